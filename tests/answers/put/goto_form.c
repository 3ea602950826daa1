/* fails: nothing */
#include <linux/atomic.h>

#define SATURATED 0xC0000000

bool put(u32 *count)
{
	u32 old = READ_ONCE(*count), seen;

again:
	if (old == 0 || old == SATURATED)
		return false;
	seen = cmpxchg(count, old, old - 1);
	if (seen != old) {
		old = seen;
		goto again;
	}
	return old == 1;
}
