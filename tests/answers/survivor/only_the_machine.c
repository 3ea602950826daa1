/* fails: all */
#include <cmpx/listing.h>
#include <linux/atomic.h>

static u32 x, y;

PROCESS(a)
{
	WRITE_ONCE(x, 1);
}

PROCESS(b)
{
	y = READ_ONCE(x);
}

FINALLY
{
#ifdef CMPX_MACHINE
	EXPECT(!y, "where nobody races");
#endif
}
