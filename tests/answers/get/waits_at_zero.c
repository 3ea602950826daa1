/* fails: effect progress */
/* It ends where it finds something to count. */
#include <linux/atomic.h>

#define SATURATED 0xC0000000

bool get(u32 *count)
{
	u32 old = READ_ONCE(*count);

	do {
		while (old == 0)
			old = READ_ONCE(*count);
		if (old == SATURATED)
			return true;
	} while (!try_cmpxchg(count, &old, old + 1));
	return true;
}
