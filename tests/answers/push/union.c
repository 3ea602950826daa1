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

union word {
	u32 whole;
	struct {
#if INDEX_SHIFT == 0
		u16 index, tag;
#else
		u16 tag, index;
#endif
	};
};

void push(struct stack *stack, u16 node)
{
	union word old = { READ_ONCE(stack->head) }, new;

	do {
		WRITE_ONCE(stack->next[node], old.index);
		new = old;
		new.index = node;
	} while (!try_cmpxchg(&stack->head, &old.whole, new.whole));
}
