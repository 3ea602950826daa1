/* fails: all */
#include <linux/atomic.h>

bool get(u32 *count)
{
	for (;;)
		READ_ONCE(*count);
}
