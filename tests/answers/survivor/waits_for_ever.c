/* fails: all */
#include <cmpx/listing.h>
#include <linux/atomic.h>

static u32 x;

PROCESS(a)
{
	cmpxchg(&x, 0, 1);
}

PROCESS(b)
{
	if (READ_ONCE(x))
		while (READ_ONCE(x))
			;
}
