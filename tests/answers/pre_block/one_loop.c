/* fails: nothing */
/* One loop: NV follows from the ON that the cmpxchg has compared. */
#include <asm/posted_intr.h>
#include <linux/atomic.h>
#include <linux/bug.h>

#define WAKEUP_VECTOR 0xF1
#define RUNNING_VECTOR 0xF2

bool pre_block(struct pi_desc *pi_desc, u32 pre_pcpu)
{
	struct pi_desc old, new;

	WARN_ON(pi_test_sn(pi_desc));
	for (;;) {
		new.control = old.control = READ_ONCE(pi_desc->control);
		new.nv = old.on ? RUNNING_VECTOR : WAKEUP_VECTOR;
		new.ndst = pre_pcpu;
		if (cmpxchg64(&pi_desc->control, old.control, new.control) == old.control)
			return !old.on;
	}
}
