/* fails: safety */
/* It gives back what a take has raised. */
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

void push(struct stack *stack, u16 node)
{
	u32 old = READ_ONCE(stack->head);

	do {
		WRITE_ONCE(stack->next[node], INDEX(old));
	} while (!try_cmpxchg(&stack->head, &old, WORD(TAG(old) - 1, node)));
}
