/* fails: all */
#include <cmpx/listing.h>
#include <linux/atomic.h>

static u32 x, wrong;

PROCESS(a)
{
	x = 1;
	x = 2;
}

/* Optimised, it reads once, and a writes 2 at once. */
PROCESS(b)
{
	if (x == 1)
		wrong = 1;
}

FINALLY
{
	EXPECT(!wrong, "it saw the 1");
}
