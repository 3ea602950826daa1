/* fails: constraints */
/* A variable of its own, said to stand in another file. */
#include <linux/atomic.h>

#define SATURATED 0xC0000000

#line 1 "elsewhere"
bool get(u32 *count)
{
	static u32 calls;
	u32 old = READ_ONCE(*count);

	do {
		if (old == 0 || old == SATURATED)
			return old;
	} while (!try_cmpxchg(count, &old, old + 1));
	calls = 1;
	return true;
}
