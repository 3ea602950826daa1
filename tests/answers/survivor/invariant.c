/* fails: all */
#include <cmpx/listing.h>
#include <linux/atomic.h>

static u32 x;

PROCESS(a)
{
	WRITE_ONCE(x, 1);
	WRITE_ONCE(x, 0);
}

PROCESS(b)
{
	cmpxchg(&x, 1, 2);
}

INVARIANT
{
	EXPECT(x != 2, "only a check looks between two steps");
}
