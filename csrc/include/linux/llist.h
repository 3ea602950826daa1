/* SPDX-License-Identifier: MIT */
/* The kernel's lock-less list: a head and nodes. A listing prints the functions that push and pop.
 */
#ifndef _LINUX_LLIST_H
#define _LINUX_LLIST_H

#include <linux/atomic.h>
#include <linux/container_of.h>

struct llist_node {
	struct llist_node *next;
};

struct llist_head {
	struct llist_node *first;
};

#define LLIST_HEAD_INIT(name) { NULL }
#define LLIST_HEAD(name) struct llist_head name = LLIST_HEAD_INIT(name)
#define llist_entry(ptr, type, member) container_of(ptr, type, member)

/* For nodes that nobody else can reach any more, such as those that llist_del_all() took. */
#define llist_for_each(pos, node) for ((pos) = (node); (pos); (pos) = (pos)->next)

static __always_inline void init_llist_head(struct llist_head *list)
{
	list->first = NULL;
}

static __always_inline bool llist_empty(const struct llist_head *head)
{
	return READ_ONCE(head->first) == NULL;
}

#endif
