/* fails: constraints */
#include <linux/atomic.h>

#define SATURATED 0xC0000000

bool put(u32 *count)
{
	u32 old = READ_ONCE(*count);

	return old != 0 && old != SATURATED && atomic_dec_and_test((atomic_t *)count);
}
