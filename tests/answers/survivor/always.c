/* fails: all */
#include <cmpx/listing.h>
#include <linux/atomic.h>

static u32 x;

PROCESS(a)
{
	WRITE_ONCE(x, 1);
}

PROCESS(b)
{
	WRITE_ONCE(x, 2);
}

FINALLY
{
	EXPECT(!x, "every run");
}
