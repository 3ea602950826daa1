/* fails: safety */
/* The decrement is one step, the test another. */
#include <linux/atomic.h>

#define SATURATED 0xC0000000

bool put(u32 *count)
{
	u32 old = READ_ONCE(*count);

	do {
		if (old == 0 || old == SATURATED)
			return false;
	} while (!try_cmpxchg(count, &old, old - 1));
	return READ_ONCE(*count) == 0;
}
