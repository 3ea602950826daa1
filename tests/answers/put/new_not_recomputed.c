/* fails: safety */
#include <linux/atomic.h>

#define SATURATED 0xC0000000

bool put(u32 *count)
{
	u32 old = READ_ONCE(*count), new = old - 1;

	do {
		if (old == 0 || old == SATURATED)
			return false;
	} while (!try_cmpxchg(count, &old, new));
	return new == 0;
}
