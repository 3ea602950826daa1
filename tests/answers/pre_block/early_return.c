/* fails: nothing */
/* What would write back what was read is left out; with ON set the wakeup vector is skipped. */
#include <asm/posted_intr.h>
#include <linux/atomic.h>
#include <linux/bug.h>

#define WAKEUP_VECTOR 0xF1
#define RUNNING_VECTOR 0xF2

bool pre_block(struct pi_desc *pi_desc, u32 pre_pcpu)
{
	struct pi_desc old, new;

	old.control = READ_ONCE(pi_desc->control);
	WARN_ON(old.sn);
	do {
		new.control = old.control;
		new.nv = old.on ? RUNNING_VECTOR : WAKEUP_VECTOR;
		new.ndst = pre_pcpu;
		if (new.control == old.control)
			return !new.on;
	} while (!try_cmpxchg64(&pi_desc->control, &old.control, new.control));
	return !new.on;
}
