/* fails: nothing */
/* The first try guesses, and thereby reads; what it saw decides. */
#include <linux/atomic.h>

#define SATURATED 0xC0000000

bool get(u32 *count)
{
	u32 old = 1;

	while (old && old != SATURATED && !try_cmpxchg(count, &old, old + 1))
		;
	return old;
}
