/* fails: nothing */
#include <asm/posted_intr.h>
#include <linux/atomic.h>
#include <linux/bug.h>

#define WAKEUP_VECTOR 0xF1
#define RUNNING_VECTOR 0xF2

bool pre_block(struct pi_desc *pi_desc, u32 pre_pcpu)
{
	struct pi_desc old, new;
	u8 nv = WAKEUP_VECTOR;

again:
	old.control = READ_ONCE(pi_desc->control);
	new = old;
	if (WARN_ON(old.sn))
		new.sn = 1;
	new.nv = nv;
	new.ndst = pre_pcpu;
	if (cmpxchg64(&pi_desc->control, old.control, new.control) != old.control)
		goto again;
	if (nv == RUNNING_VECTOR)
		return false;
	if (!new.on)
		return true;
	nv = RUNNING_VECTOR;
	goto again;
}
