/* SPDX-License-Identifier: MIT */
/*
 * try_control stands for pi_try_set_control.
 * The loop of vmx_vcpu_pi_load() around it, while a vector is posted.
 */
#include <cmpx/listing.h>
#include <asm/posted_intr.h>
#include <linux/atomic.h>
#include <linux/err.h>

/* text */
static int try_control(struct pi_desc *desc, u64 *seen, u64 wanted)
{
	return try_cmpxchg64(&desc->control, seen, wanted) ? 0 : -EBUSY;
}
/* end of text */

static struct pi_desc pi;

PROCESS(cpu)
{
	struct pi_desc old, new;

	old.control = READ_ONCE(pi.control);
	do {
		new.control = old.control;
		new.sn = 0;
		new.ndst = 3;
	} while (try_control(&pi, &old.control, new.control));
}

PROCESS(iommu)
{
	pi_test_and_set_pir(5, &pi);
	pi_test_and_set_on(&pi);
}

FINALLY
{
	EXPECT(pi.on && pi.pir[0] == 1 << 5, "a post is lost");
	EXPECT(pi.ndst == 3, "no update");
}
