/* fails: safety effect */
/* No look at 0: a dying object is brought back, but only on paper. */
#include <linux/atomic.h>

#define SATURATED 0xC0000000

bool get(u32 *count)
{
	u32 old = READ_ONCE(*count);

	while (old != SATURATED && !try_cmpxchg(count, &old, old + 1))
		;
	return true;
}
