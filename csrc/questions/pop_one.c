/* SPDX-License-Identifier: MIT */
/* The harness of pop_one: the push beside it is the book's; where MIXED, so is the other pop_one.
 */
#include "tagged_stack.h"

u16 pop_one(struct stack *stack);

#ifdef ALONE
static struct stack stack = { WORD(START, C), { [C] = D, [D] = A, [A] = EMPTY } };

/* Which of the others comes next is free: pop_one may have pushed them back. */
PROCESS(alone)
{
	int seen[NODES] = { 0 };
	u16 first = pop_one(&stack);

	EXPECT(stack.head != WORD(START, C), "pop_one does nothing to the stack");
	EXPECT(first == C, "pop_one does not return the node that was first");
	EXPECT(count(&stack, INDEX(stack.head), seen) && seen[A] == 1 && seen[D] == 1 && !seen[C],
	       "pop_one does not leave the other nodes on the stack");
	EXPECT((s16)(TAG(stack.head) - START) >= 0, "the tag is lowered");
	pop_one(&stack);
	first = INDEX(stack.head);
	EXPECT(pop_one(&stack) == first, "pop_one does not return the node that was first");
	EXPECT(INDEX(stack.head) == EMPTY, "the stack is not empty after its last node was taken");
}
#else
static struct stack stack = { WORD(START, A), { [A] = B, [B] = C, [C] = EMPTY } };
static u16 slow_has = EMPTY, fast_has = EMPTY;

PROCESS(slow)
{
	slow_has = MIXED ? book_pop_one(&stack) : pop_one(&stack);
}

/* Takes two of the three, slow one at most. Only the tag says that the first has come back. */
PROCESS(fast)
{
	u16 first = pop_one(&stack);

	fast_has = pop_one(&stack);
	EXPECT(!MIXED || (first != EMPTY && fast_has != EMPTY), "pop_one gave up");
	if (first < NODES)
		book_push(&stack, first);
}

#if MIXED
static struct stack empty = { WORD(START, EMPTY) };

PROCESS(giver)
{
	/* not where it runs alone: if it goes wrong here, the rest is judged all the same */
	EXPECT(pop_one(&empty) == EMPTY, "an empty stack does not give EMPTY");
	EXPECT(INDEX(empty.head) == EMPTY, "an empty stack does not stay empty");
	book_push(&stack, D);
}
#endif

FINALLY
{
	int seen[NODES] = { 0 };

	EXPECT(count(&stack, INDEX(stack.head), seen), "the chain is broken");
	if (slow_has < NODES)
		seen[slow_has]++;
	if (fast_has < NODES)
		seen[fast_has]++;
	for (int node = MIXED ? D : A; node < NODES; node++) {
		EXPECT(seen[node], "a node is lost");
		EXPECT(seen[node] == 1, "a node is in two places");
	}
}
#endif
