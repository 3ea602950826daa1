/* fails: safety */
#include <linux/atomic.h>

#define SATURATED 0xC0000000

bool get(u32 *count)
{
	u32 old = READ_ONCE(*count);

	if (old == 0)
		return false;
	if (old != SATURATED)
		cmpxchg(count, old, old + 1);
	return true;
}
