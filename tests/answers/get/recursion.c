/* fails: nothing */
/* The value seen is handed on; relaxed, as the kernel's own get is. */
#include <linux/atomic.h>

#define SATURATED 0xC0000000

static bool get_from(u32 *count, u32 old)
{
	u32 seen;

	if (old == 0 || old == SATURATED)
		return old;
	seen = cmpxchg_relaxed(count, old, old + 1);
	return seen == old || get_from(count, seen);
}

bool get(u32 *count)
{
	return get_from(count, READ_ONCE(*count));
}
