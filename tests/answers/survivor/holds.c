/* fails: all */
#include <cmpx/listing.h>
#include <linux/atomic.h>

static u32 x;

PROCESS(a)
{
	while (cmpxchg(&x, 0, 1))
		;
	xchg(&x, 0);
}

PROCESS(b)
{
	READ_ONCE(x);
}

FINALLY
{
	EXPECT(!x, "never");
}
