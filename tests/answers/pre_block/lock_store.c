/* fails: safety constraints */
/* A lock in place of the cmpxchg: the IOMMU does not take it. */
#include <asm/posted_intr.h>
#include <linux/atomic.h>
#include <linux/bug.h>
#include <linux/spinlock.h>

#define WAKEUP_VECTOR 0xF1
#define RUNNING_VECTOR 0xF2

static DEFINE_SPINLOCK(lock);

static void redirect(struct pi_desc *pi_desc, u8 nv, u32 ndst)
{
	struct pi_desc new;

	spin_lock(&lock);
	new.control = READ_ONCE(pi_desc->control);
	new.nv = nv;
	new.ndst = ndst;
	WRITE_ONCE(pi_desc->control, new.control);
	spin_unlock(&lock);
}

bool pre_block(struct pi_desc *pi_desc, u32 pre_pcpu)
{
	WARN_ON(pi_test_sn(pi_desc));
	redirect(pi_desc, WAKEUP_VECTOR, pre_pcpu);
	if (!pi_test_on(pi_desc))
		return true;
	redirect(pi_desc, RUNNING_VECTOR, pre_pcpu);
	return false;
}
