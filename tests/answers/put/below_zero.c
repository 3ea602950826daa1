/* fails: effect */
/* One put too many makes four billion of 0. */
#include <linux/atomic.h>

#define SATURATED 0xC0000000

bool put(u32 *count)
{
	u32 old = READ_ONCE(*count);

	do {
		if (old == SATURATED)
			return false;
	} while (!try_cmpxchg(count, &old, old - 1));
	return old == 1;
}
