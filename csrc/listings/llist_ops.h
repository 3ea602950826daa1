/* SPDX-License-Identifier: MIT */
/* The kernel's lock-less list: push one, take one, take all; and a walk for FINALLY. */
#include <linux/llist.h>

/* Relies on first alone, and try_cmpxchg compares first: whoever was here, new->next fits. */
static void llist_add(struct llist_node *new, struct llist_head *list)
{
	struct llist_node *first = READ_ONCE(list->first);

	do {
		WRITE_ONCE(new->next, first);
	} while (!try_cmpxchg(&list->first, &first, new));
}

/* Relies on first->next as well, which nobody compares: right with one taker at a time. */
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

/* Relies on nothing: it takes what there is. */
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
