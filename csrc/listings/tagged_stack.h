/* SPDX-License-Identifier: MIT */
/*
 * A stack of numbered nodes under one word, {index, tag}, and its push and pop_one: a push leaves
 * the tag as it is, a take raises it.
 */
#include <cmpx/listing.h>
#include <linux/atomic.h>

#define TAG_SHIFT (16 - INDEX_SHIFT)
#define INDEX(word) ((u16)((word) >> INDEX_SHIFT))
#define TAG(word) ((u16)((word) >> TAG_SHIFT))
#define WORD(tag, index) ((u32)(u16)(tag) << TAG_SHIFT | (u32)(index) << INDEX_SHIFT)

#ifndef START
#define START 0 /* the tag to begin with */
#endif

/* Node 0 is a node as any other. */
enum { D, A, B, C, NODES };

struct stack {
	u32 head;
	u16 next[NODES];
};

/* Relies on the head alone, and try_cmpxchg compares it. */
static void book_push(struct stack *stack, u16 node)
{
	u32 old = READ_ONCE(stack->head);

	do {
		WRITE_ONCE(stack->next[node], INDEX(old));
	} while (!try_cmpxchg(&stack->head, &old, WORD(TAG(old), node)));
}

/*
 * Relies on the next of the first node as well. Only who took that node can have changed it, and
 * with that take the tag has changed.
 */
static u16 book_pop_one(struct stack *stack)
{
	u32 old = READ_ONCE(stack->head);
	u16 next;

	do {
		if (INDEX(old) == EMPTY)
			return EMPTY;
		next = READ_ONCE(stack->next[INDEX(old)]);
	} while (!try_cmpxchg(&stack->head, &old, WORD(TAG(old) + 1, next)));
	return INDEX(old);
}

/* Counts the nodes of a chain and says whether it ends as it should; a broken one may be a ring. */
static bool count(const struct stack *stack, u16 node, int *seen)
{
	for (int steps = 0; node < NODES && steps < NODES; steps++) {
		seen[node]++;
		node = READ_ONCE(stack->next[node]);
	}
	return node == EMPTY;
}
