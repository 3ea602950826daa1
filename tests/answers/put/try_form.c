/* fails: nothing */
#include <linux/atomic.h>

#define SATURATED 0xC0000000

bool put(u32 *count)
{
	u32 old = READ_ONCE(*count), new;

	do {
		new = old == 0 || old == SATURATED ? old : old - 1;
	} while (!try_cmpxchg(count, &old, new));
	return old == 1;
}
