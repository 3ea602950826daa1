/* fails: nothing */
/* The read stands outside the loop; a failed try leaves what it saw. */
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
		new.nv = WAKEUP_VECTOR;
		new.ndst = pre_pcpu;
	} while (!try_cmpxchg64(&pi_desc->control, &old.control, new.control));
	if (!new.on)
		return true;
	old.control = new.control;
	do {
		new.control = old.control;
		new.nv = RUNNING_VECTOR;
	} while (!try_cmpxchg64(&pi_desc->control, &old.control, new.control));
	return false;
}
