/* fails: safety constraints */
/* Nothing is marked. */
#include <linux/atomic.h>

#define SATURATED 0xC0000000

bool get(u32 *count)
{
	if (*count == 0)
		return false;
	if (*count != SATURATED)
		++*count;
	return true;
}
