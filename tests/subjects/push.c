/* SPDX-License-Identifier: MIT */
/* Three processes push a node each. */
#include <cmpx/listing.h>
#include <linux/atomic.h>

struct node {
	struct node *next;
};

static struct node nodes[3], *top;

static void push(struct node *node)
{
	struct node *old;

	do {
		old = READ_ONCE(top);
		WRITE_ONCE(node->next, old);
	} while (cmpxchg_release(&top, old, node) != old);
}

PROCESS(a)
{
	push(&nodes[0]);
}

PROCESS(b)
{
	push(&nodes[1]);
}

PROCESS(c)
{
	push(&nodes[2]);
}

FINALLY
{
	int count = 0;

	for (struct node *node = top; node; node = node->next)
		EXPECT(++count <= 3, "the list has a loop");
	EXPECT(count == 3, "a node is lost");
}
