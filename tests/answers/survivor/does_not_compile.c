/* fails: all */
#include <cmpx/listing.h>
#include <linux/atomic.h>

PROCESS(a)
{
	x = 1;
}
