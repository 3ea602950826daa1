/* fails: effect */
/* After the warning it goes no further. */
#include <asm/posted_intr.h>
#include <linux/atomic.h>
#include <linux/bug.h>

#define WAKEUP_VECTOR 0xF1
#define RUNNING_VECTOR 0xF2

static void redirect(struct pi_desc *pi_desc, u8 nv, u32 ndst)
{
	struct pi_desc old, new;

	do {
		old.control = new.control = READ_ONCE(pi_desc->control);
		new.nv = nv;
		new.ndst = ndst;
	} while (cmpxchg64(&pi_desc->control, old.control, new.control) != old.control);
}

bool pre_block(struct pi_desc *pi_desc, u32 pre_pcpu)
{
	if (WARN_ON(pi_test_sn(pi_desc)))
		return false;
	redirect(pi_desc, WAKEUP_VECTOR, pre_pcpu);
	if (!pi_test_on(pi_desc))
		return true;
	redirect(pi_desc, RUNNING_VECTOR, pre_pcpu);
	return false;
}
