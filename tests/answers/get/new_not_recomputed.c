/* fails: safety */
/* A failed try refreshes old, but new stays what the first read made it. */
#include <linux/atomic.h>

#define SATURATED 0xC0000000

bool get(u32 *count)
{
	u32 old = READ_ONCE(*count), new = old == SATURATED ? old : old + 1;

	do {
		if (old == 0)
			return false;
	} while (!try_cmpxchg(count, &old, new));
	return true;
}
