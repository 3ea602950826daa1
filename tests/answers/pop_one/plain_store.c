/* fails: safety constraints */
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

u16 pop_one(struct stack *stack)
{
	u32 old = stack->head;

	if (INDEX(old) == EMPTY)
		return EMPTY;
	stack->head = WORD(TAG(old) + 1, stack->next[INDEX(old)]);
	return INDEX(old);
}
