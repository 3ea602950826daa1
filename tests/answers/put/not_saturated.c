/* fails: effect */
/* SATURATED is forgotten: what leaked will be freed one day, under its users. */
#include <linux/atomic.h>

#define SATURATED 0xC0000000

bool put(u32 *count)
{
	u32 old = READ_ONCE(*count);

	do {
		if (old == 0)
			return false;
	} while (!try_cmpxchg(count, &old, old - 1));
	return old == 1;
}
