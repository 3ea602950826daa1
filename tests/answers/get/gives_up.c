/* fails: effect */
/* Somebody was faster, and it takes that for a dead object. */
#include <linux/atomic.h>

#define SATURATED 0xC0000000

bool get(u32 *count)
{
	u32 old = READ_ONCE(*count);

	if (old == 0)
		return false;
	return old == SATURATED || cmpxchg(count, old, old + 1) == old;
}
