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

u16 pop_all(struct stack *stack)
{
	u32 old = READ_ONCE(stack->head), seen;

	while ((seen = cmpxchg(&stack->head, old,
			       ((old + (1u << TAG_SHIFT)) & TAG_MASK) |
				       (u32)EMPTY << INDEX_SHIFT)) != old)
		old = seen;
	return (old & INDEX_MASK) >> INDEX_SHIFT;
}
