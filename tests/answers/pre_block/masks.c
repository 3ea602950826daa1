/* fails: nothing */
/* Without the union: shifts and masks on the word. */
#include <asm/posted_intr.h>
#include <linux/atomic.h>
#include <linux/bug.h>

#define WAKEUP_VECTOR 0xF1
#define RUNNING_VECTOR 0xF2

#define NV_SHIFT 16
#define NDST_SHIFT 32
#define ON_BIT (1ull << POSTED_INTR_ON)
#define SN_BIT (1ull << POSTED_INTR_SN)
#define CARDS (0xffull << NV_SHIFT | 0xffffffffull << NDST_SHIFT)

static u64 redirect(u64 *control, u64 nv, u64 ndst)
{
	u64 old, seen = READ_ONCE(*control), new;

	do {
		old = seen;
		new = (old & ~CARDS) | nv << NV_SHIFT | ndst << NDST_SHIFT;
		seen = cmpxchg(control, old, new);
	} while (seen != old);
	return new;
}

bool pre_block(struct pi_desc *pi_desc, u32 pre_pcpu)
{
	WARN_ON(READ_ONCE(pi_desc->control) & SN_BIT);
	if (!(redirect(&pi_desc->control, WAKEUP_VECTOR, pre_pcpu) & ON_BIT))
		return true;
	redirect(&pi_desc->control, RUNNING_VECTOR, pre_pcpu);
	return false;
}
