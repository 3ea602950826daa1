/* fails: all */
#include <asm/posted_intr.h>
#include <linux/atomic.h>
#include <linux/bug.h>

#define WAKEUP_VECTOR 0xF1
#define RUNNING_VECTOR 0xF2

bool pre_block(struct pi_desc *pi_desc, u32 pre_pcpu)
{
	for (;;)
		READ_ONCE(pi_desc->control);
}
