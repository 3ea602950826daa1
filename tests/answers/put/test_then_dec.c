/* fails: safety */
/* Whether it is the last is decided at the first read. */
#include <linux/atomic.h>

#define SATURATED 0xC0000000

bool put(u32 *count)
{
	u32 old = READ_ONCE(*count);
	bool last = old == 1;

	do {
		if (old == 0 || old == SATURATED)
			return false;
	} while (!try_cmpxchg(count, &old, old - 1));
	return last;
}
