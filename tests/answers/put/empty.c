/* fails: all */
#include <linux/atomic.h>

#define SATURATED 0xC0000000

bool put(u32 *count)
{
	return false;
}
