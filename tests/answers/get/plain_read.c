/* fails: constraints */
/* Only the first read is unmarked, and the cmpxchg compares it. */
#include <linux/atomic.h>

#define SATURATED 0xC0000000

bool get(u32 *count)
{
	u32 old = *count;

	do {
		if (old == 0 || old == SATURATED)
			return old;
	} while (!try_cmpxchg(count, &old, old + 1));
	return true;
}
