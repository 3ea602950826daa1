/* fails: nothing */
#include <linux/atomic.h>

#define EMPTY 0xFFFF
#define INDEX_SHIFT 0
#define TAG_SHIFT (16 - INDEX_SHIFT)
#define NODES 4

struct stack {
	u32 head;
	u16 next[NODES];
};

#define INDEX_MASK (0xFFFFu << INDEX_SHIFT)

void push(struct stack *stack, u16 node)
{
	u32 old = READ_ONCE(stack->head);

	do {
		WRITE_ONCE(stack->next[node], (old & INDEX_MASK) >> INDEX_SHIFT);
	} while (!try_cmpxchg(&stack->head, &old, (old & ~INDEX_MASK) | node << INDEX_SHIFT));
}
