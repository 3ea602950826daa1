/* SPDX-License-Identifier: MIT */
/* The kernel's lock-less list: push one, take one, take all; and a walk for FINALLY. */
#include <linux/llist.h>

/* Puts new in front of what is there. */
static void llist_add(struct llist_node *new, struct llist_head *list)
{
	struct llist_node *first = READ_ONCE(list->first);

	do {
		WRITE_ONCE(new->next, first);
	} while (!try_cmpxchg(&list->first, &first, new));
}

/* Takes the first node; NULL if there is none. */
static struct llist_node *llist_del_first(struct llist_head *list)
{
	struct llist_node *first = smp_load_acquire(&list->first), *next;

	do {
		if (!first)
			return NULL;
		next = READ_ONCE(first->next);
	} while (!try_cmpxchg(&list->first, &first, next));
	return first;
}

/* Takes all nodes: the first of them, or NULL. */
static struct llist_node *llist_del_all(struct llist_head *list)
{
	return xchg(&list->first, NULL);
}

/* When all is quiet; a broken list may be a ring, so not for ever. */
static bool llist_has(const struct llist_head *list, const struct llist_node *node)
{
	const struct llist_node *at = list->first;

	for (int seen = 0; at && at != node && seen < 8; seen++)
		at = at->next;
	return at == node;
}
