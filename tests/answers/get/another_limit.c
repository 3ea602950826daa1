/* fails: effect */
/* The saturated value of no variant. */
#include <linux/atomic.h>

#define STICKS 0x80000000

bool get(u32 *count)
{
	u32 old = READ_ONCE(*count), seen;

	for (;; old = seen) {
		if (old == 0 || old >= STICKS)
			return old != 0;
		seen = cmpxchg(count, old, old + 1);
		if (seen == old)
			return true;
	}
}
