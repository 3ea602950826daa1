/* fails: constraints */
/* The kernel's own function, with SATURATED beside it. */
#include <linux/atomic.h>

#define SATURATED 0xC0000000

bool get(u32 *count)
{
	return READ_ONCE(*count) == SATURATED || atomic_inc_not_zero((atomic_t *)count);
}
