/* fails: nothing */
#include <linux/atomic.h>

#define EMPTY 0xFFFF
#define INDEX_SHIFT 0
#define TAG_SHIFT (16 - INDEX_SHIFT)
#define INDEX(word) ((u16)((word) >> INDEX_SHIFT))
#define TAG(word) ((u16)((word) >> TAG_SHIFT))
#define WORD(tag, index) ((u32)(u16)(tag) << TAG_SHIFT | (u32)(index) << INDEX_SHIFT)
#define NODES 4

struct stack {
	u32 head;
	u16 next[NODES];
};

static u16 take_all(struct stack *stack)
{
	u32 old = READ_ONCE(stack->head);

	while (!try_cmpxchg(&stack->head, &old, WORD(TAG(old) + 1, EMPTY)))
		;
	return INDEX(old);
}

static void put_back(struct stack *stack, u16 node)
{
	u32 old = READ_ONCE(stack->head);

	do {
		WRITE_ONCE(stack->next[node], INDEX(old));
	} while (!try_cmpxchg(&stack->head, &old, WORD(TAG(old), node)));
}

u16 pop_one(struct stack *stack)
{
	u16 first = take_all(stack), node, next;

	if (first == EMPTY)
		return EMPTY;
	for (node = READ_ONCE(stack->next[first]); node != EMPTY; node = next) {
		next = READ_ONCE(stack->next[node]);
		put_back(stack, node);
	}
	return first;
}
