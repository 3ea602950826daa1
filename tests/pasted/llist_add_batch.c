/* SPDX-License-Identifier: MIT */
/*
 * push_chain stands for llist_add_batch.
 * A chain of two and a single node are pushed at once.
 */
#include <cmpx/listing.h>
#include <linux/export.h>
#include <linux/llist.h>

/* text */
bool push_chain(struct llist_node *from, struct llist_node *to, struct llist_head *list)
{
	struct llist_node *top = READ_ONCE(list->first);

	for (;;) {
		to->next = top;
		if (try_cmpxchg(&list->first, &top, from))
			return top == NULL;
	}
}
EXPORT_SYMBOL_GPL(push_chain);
/* end of text */

static LLIST_HEAD(list);
static struct llist_node nodes[3];
static int found_empty;

INIT
{
	nodes[0].next = &nodes[1];
}

PROCESS(a)
{
	if (push_chain(&nodes[0], &nodes[1], &list))
		xchg(&found_empty, 1);
}

PROCESS(b)
{
	if (push_chain(&nodes[2], &nodes[2], &list))
		xchg(&found_empty, 2);
}

FINALLY
{
	struct llist_node *pos;
	int count = 0, index_sum = 0;

	llist_for_each(pos, list.first) {
		count++;
		index_sum += pos - nodes;
	}
	EXPECT(count == 3 && index_sum == 3, "a node is lost");
	EXPECT(found_empty == (list.first == &nodes[2] ? 1 : 2), "not the first found it empty");
}
