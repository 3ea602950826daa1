/* fails: all */
#include <linux/atomic.h>

/* your code here */

bool put(u32 *count)
{
	bool last = false;

	/* your code here */
	return last;
}
