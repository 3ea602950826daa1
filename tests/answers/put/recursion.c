/* fails: nothing */
/* Early returns and a helper function. */
#include <linux/atomic.h>

#define SATURATED 0xC0000000

static bool sticks(u32 value)
{
	return value == 0 || value == SATURATED;
}

bool put(u32 *count)
{
	u32 old = READ_ONCE(*count);

	if (sticks(old))
		return false;
	if (cmpxchg(count, old, old - 1) == old)
		return old == 1;
	return put(count);
}
