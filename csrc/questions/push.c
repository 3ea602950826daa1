/* SPDX-License-Identifier: MIT */
/* The harness of push: the pop_one beside it is the book's. */
#include "tagged_stack.h"

void push(struct stack *stack, u16 node);

#ifdef ALONE
static struct stack stack = { WORD(START, EMPTY), { [D] = B, [A] = B, [B] = C, [C] = D } };

PROCESS(alone)
{
	push(&stack, D);
	EXPECT(INDEX(stack.head) != EMPTY || stack.next[D] != B, "push does nothing to the stack");
	EXPECT(INDEX(stack.head) == D, "the pushed node is not the first");
	EXPECT(stack.next[D] == EMPTY, "the pushed node is not followed by what was first");
	EXPECT((s16)(TAG(stack.head) - START) >= 0, "the tag is lowered");
	push(&stack, B);
	EXPECT(INDEX(stack.head) == B, "the pushed node is not the first");
	EXPECT(stack.next[B] == D, "the pushed node is not followed by what was first");
	EXPECT(stack.next[D] == EMPTY && stack.next[A] == B && stack.next[C] == D,
	       "the next of another node has changed");
}
#else
static struct stack stack = { WORD(START, A), { [A] = B, [B] = EMPTY } };
static u16 slow_has = EMPTY, fast_has = EMPTY;

PROCESS(slow)
{
	slow_has = book_pop_one(&stack);
}

PROCESS(fast)
{
	u16 first = book_pop_one(&stack);

	fast_has = book_pop_one(&stack);
	if (first != EMPTY)
		push(&stack, first);
}

PROCESS(giver)
{
	push(&stack, C);
}

FINALLY
{
	int seen[NODES] = { 0 };

	EXPECT(count(&stack, INDEX(stack.head), seen), "the chain is broken");
	if (slow_has != EMPTY)
		seen[slow_has]++;
	if (fast_has != EMPTY)
		seen[fast_has]++;
	for (int node = A; node < NODES; node++) {
		EXPECT(seen[node], "a node is lost");
		EXPECT(seen[node] == 1, "a node is in two places");
	}
}
#endif
