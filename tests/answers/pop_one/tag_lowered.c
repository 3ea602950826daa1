/* fails: safety */
/* Down instead of up: beside the book's pop_one it can come back to what it was. */
#include <linux/atomic.h>

#define NODES 4
#define EMPTY 0xFFFF
#define INDEX_SHIFT 0
#define TAG_SHIFT (16 - INDEX_SHIFT)
#define INDEX(word) ((u16)((word) >> INDEX_SHIFT))
#define TAG(word) ((u16)((word) >> TAG_SHIFT))
#define WORD(tag, index) ((u32)(u16)(tag) << TAG_SHIFT | (u32)(index) << INDEX_SHIFT)

struct stack {
	u32 head;
	u16 next[NODES];
};

u16 pop_one(struct stack *stack)
{
	u16 first = 0;
	u32 old = READ_ONCE(stack->head);
	u16 next;

	do {
		first = INDEX(old);
		if (first == EMPTY)
			break;
		next = READ_ONCE(stack->next[first]);
	} while (!try_cmpxchg(&stack->head, &old, WORD(TAG(old) - 1, next)));
	return first;
}
