/* fails: all */
#include <cmpx/listing.h>
#include <linux/atomic.h>

static u32 *nowhere;
static u32 x;

PROCESS(a)
{
	WRITE_ONCE(x, *nowhere);
}

PROCESS(b)
{
	READ_ONCE(x);
}
