/* SPDX-License-Identifier: MIT */
/* The harness of pop_all: the push and the pop_one beside it are the book's. */
#include "tagged_stack.h"

u16 pop_all(struct stack *stack);

#ifdef ALONE
static struct stack stack = { WORD(START, C), { [C] = D, [D] = A, [A] = EMPTY, [B] = B } };

PROCESS(alone)
{
	u16 first = pop_all(&stack);

	EXPECT(stack.head != WORD(START, C), "pop_all does nothing to the stack");
	EXPECT(first == C, "pop_all does not return the node that was first");
	EXPECT(INDEX(stack.head) == EMPTY, "the stack is not empty after pop_all");
	EXPECT(stack.next[C] == D && stack.next[D] == A && stack.next[A] == EMPTY &&
		       stack.next[B] == B,
	       "the next of a node has changed");
	EXPECT((s16)(TAG(stack.head) - START) >= 0, "the tag is lowered");
	EXPECT(pop_all(&stack) == EMPTY, "an empty stack does not give EMPTY");
	EXPECT(INDEX(stack.head) == EMPTY, "an empty stack does not stay empty");
}
#else
static struct stack stack = { WORD(START, A), { [A] = B, [B] = C, [C] = EMPTY } };
static u16 slow_has[2], fast_has = EMPTY;

PROCESS(slow)
{
	slow_has[0] = book_pop_one(&stack);
	slow_has[1] = book_pop_one(&stack);
}

/* Takes all, keeps all but the first: slow takes two of the three at most, so there is a first. */
PROCESS(fast)
{
	u16 first = pop_all(&stack);

	EXPECT(first != EMPTY, "pop_all gave up");
	if (first < NODES) {
		fast_has = READ_ONCE(stack.next[first]);
		book_push(&stack, first);
	}
}

PROCESS(giver)
{
	book_push(&stack, D);
}

FINALLY
{
	int seen[NODES] = { 0 };

	EXPECT(count(&stack, INDEX(stack.head), seen) && count(&stack, fast_has, seen),
	       "a chain is broken");
	for (int i = 0; i < 2; i++)
		if (slow_has[i] != EMPTY)
			seen[slow_has[i]]++;
	for (int node = 0; node < NODES; node++) {
		EXPECT(seen[node], "a node is lost");
		EXPECT(seen[node] == 1, "a node is in two places");
	}
}
#endif
