/* fails: all */
#include <asm/posted_intr.h>
#include <linux/atomic.h>
#include <linux/bug.h>

/* your code here */

bool pre_block(struct pi_desc *pi_desc, u32 pre_pcpu)
{
	bool may_sleep = false;

	/* your code here */
	return may_sleep;
}
