/* fails: nothing */
#include <linux/atomic.h>

#define SATURATED 0xC0000000

bool get(u32 *count)
{
	u32 old;

	do {
		old = READ_ONCE(*count);
		if (old == 0)
			return false;
		if (old == SATURATED)
			return true;
	} while (cmpxchg(count, old, old + 1) != old);
	return true;
}
