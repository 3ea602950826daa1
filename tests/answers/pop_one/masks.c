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
#define TAG_MASK (0xFFFFu << TAG_SHIFT)

u16 pop_one(struct stack *stack)
{
	u32 old = READ_ONCE(stack->head), new, index;

	while ((index = (old & INDEX_MASK) >> INDEX_SHIFT) != EMPTY) {
		new = ((old & TAG_MASK) + (1u << TAG_SHIFT)) & TAG_MASK;
		new |= READ_ONCE(stack->next[index]) << INDEX_SHIFT;
		if (try_cmpxchg(&stack->head, &old, new))
			break;
	}
	return index;
}
