/* fails: constraints */
#include <linux/atomic.h>
#include <linux/spinlock.h>

#define SATURATED 0xC0000000

static DEFINE_SPINLOCK(own);

bool put(u32 *count)
{
	u32 old;

	spin_lock(&own);
	old = READ_ONCE(*count);
	do {
		if (old == 0 || old == SATURATED)
			break;
	} while (!try_cmpxchg(count, &old, old - 1));
	spin_unlock(&own);
	return old == 1;
}
