/* fails: all */
/* An access of which the machine is not to hear. */
#include <linux/atomic.h>

#define SATURATED 0xC0000000

#define JOINED(a, b) a##b
#define UNSEEN JOINED(__attri, bute__)((JOINED(no_sanitize, _thread)))

UNSEEN bool get(u32 *count)
{
	u32 old = *count;

	if (old == 0)
		return false;
	if (old != SATURATED)
		*count = old + 1;
	return true;
}
