/* SPDX-License-Identifier: MIT */
/*
 * take_all stands for llist_del_all.
 * Two consumers: one gets all, the other nothing.
 */
#include <cmpx/listing.h>
#include <linux/llist.h>

/* text */
static inline struct llist_node *take_all(struct llist_head *list)
{
	struct llist_node *top = xchg(&list->first, NULL);

	return top;
}
/* end of text */

static struct llist_node nodes[2] = { { &nodes[1] } };
static struct llist_head list = { &nodes[0] };
static struct llist_node *by_a, *by_b;

PROCESS(a)
{
	by_a = take_all(&list);
}

PROCESS(b)
{
	by_b = take_all(&list);
}

FINALLY
{
	EXPECT(llist_empty(&list), "not all are taken");
	EXPECT((by_a == &nodes[0]) + (by_b == &nodes[0]) == 1, "taken by both, or by nobody");
}
