/* fails: nothing */
/* What is constant may outlive the call. */
#include <linux/atomic.h>

static const u32 SATURATED = 0xC0000000;

bool get(u32 *count)
{
	static const char *const names[] = { "dead", "alive" };
	u32 old = READ_ONCE(*count);

	do {
		barrier();
		if (old == 0 || old == SATURATED)
			return names[old != 0] == names[1];
		cpu_relax();
	} while (!try_cmpxchg(count, &old, old + 1));
	return true;
}
