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

u16 pop_one(struct stack *stack)
{
	u32 old;
	u16 next;

again:
	old = READ_ONCE(stack->head);
	if (INDEX(old) == EMPTY)
		return EMPTY;
	next = READ_ONCE(stack->next[INDEX(old)]);
	if (cmpxchg(&stack->head, old, WORD(TAG(old) + 1, next)) != old)
		goto again;
	return INDEX(old);
}
