/* fails: progress */
#include <linux/atomic.h>

#define SATURATED 0xC0000000

bool put(u32 *count)
{
	u32 old = READ_ONCE(*count);

	if (old == 0 || old == SATURATED)
		return false;
	while (cmpxchg(count, old, old - 1) != old)
		;
	return old == 1;
}
