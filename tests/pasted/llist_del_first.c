/* SPDX-License-Identifier: MIT */
/*
 * pop_one stands for llist_del_first.
 * One consumer pops while a producer pushes: the only use that is right.
 */
#include <cmpx/listing.h>
#include <linux/export.h>
#include <linux/llist.h>

/* text */
struct llist_node *pop_one(struct llist_head *list)
{
	struct llist_node *top = smp_load_acquire(&list->first);

	while (top != NULL) {
		struct llist_node *below = READ_ONCE(top->next);

		if (try_cmpxchg(&list->first, &top, below))
			break;
	}
	return top;
}
EXPORT_SYMBOL_GPL(pop_one);
/* end of text */

static struct llist_node nodes[2];
static struct llist_head list = { &nodes[0] };
static struct llist_node *taken;

PROCESS(consumer)
{
	taken = pop_one(&list);
}

PROCESS(producer)
{
	struct llist_node *first = READ_ONCE(list.first);

	do {
		nodes[1].next = first;
	} while (!try_cmpxchg(&list.first, &first, &nodes[1]));
}

FINALLY
{
	struct llist_node *pos;
	int left = 0, index_sum = 0;

	EXPECT(taken != NULL, "nothing is taken");
	llist_for_each(pos, list.first) {
		left++;
		index_sum += pos - nodes;
	}
	EXPECT(left == 1 && index_sum + (taken - nodes) == 1, "a node is lost, or there twice");
}
