/* fails: nothing */
#include <linux/atomic.h>

#define SATURATED 0xC0000000

bool get(u32 *count)
{
	u32 old;

again:
	old = READ_ONCE(*count);
	if (old == 0)
		goto dead;
	if (old == SATURATED)
		goto held;
	if (cmpxchg(count, old, old + 1) != old)
		goto again;
held:
	return true;
dead:
	return false;
}
