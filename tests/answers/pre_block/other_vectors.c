/* fails: effect */
/* The vectors of no variant: all is well, but for the two values. */
#include <asm/posted_intr.h>
#include <linux/atomic.h>
#include <linux/bug.h>

#define WAKING 0xD1
#define RUNNING 0xD2

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
	WARN_ON(pi_test_sn(pi_desc));
	redirect(pi_desc, WAKING, pre_pcpu);
	if (!pi_test_on(pi_desc))
		return true;
	redirect(pi_desc, RUNNING, pre_pcpu);
	return false;
}
