/* fails: effect */
/* SATURATED is forgotten. */
#include <linux/atomic.h>

#define SATURATED 0xC0000000

bool get(u32 *count)
{
	u32 old = READ_ONCE(*count);

	do {
		if (old == 0)
			return false;
	} while (!try_cmpxchg(count, &old, old + 1));
	return true;
}
