/* fails: all */
/* It touches nothing and does not end. */
#include <linux/types.h>

struct stack;

void push(struct stack *stack, u16 node)
{
	for (;;)
		;
}
