/* fails: all */
#include <linux/atomic.h>

/* your code here */

bool get(u32 *count)
{
	bool held = false;

	/* your code here */
	return held;
}
