/* fails: all */
#include <cmpx/listing.h>
#include <linux/atomic.h>

void exit(int);
static u32 x;

PROCESS(a)
{
	WRITE_ONCE(x, 1);
}

PROCESS(b)
{
	if (READ_ONCE(x))
		exit(0);
}
