/* fails: safety */
/* NV and NDST each in a cmpxchg of its own: a post between the two finds half of the update. */
#include <asm/posted_intr.h>
#include <linux/atomic.h>
#include <linux/bug.h>

#define WAKEUP_VECTOR 0xF1
#define RUNNING_VECTOR 0xF2

static void redirect(struct pi_desc *pi_desc, u8 nv, u32 ndst)
{
	u8 old_nv = READ_ONCE(pi_desc->nv);
	u32 old_ndst = READ_ONCE(pi_desc->ndst);

	while (!try_cmpxchg(&pi_desc->nv, &old_nv, nv))
		;
	while (!try_cmpxchg(&pi_desc->ndst, &old_ndst, ndst))
		;
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
