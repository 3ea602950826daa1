/* SPDX-License-Identifier: MIT */
/*
 * The harness of pre_block, which runs alone or beside a device that posts and somebody who sets a
 * reserved bit. ON, SN, NDST and RESERVED are control as it was before.
 */
#include <cmpx/listing.h>
#include <linux/bug.h>
#include "pi_desc_loop.h"

#ifndef ON
#define ON 0
#endif
#ifndef SN
#define SN 0
#endif
#ifndef NDST
#define NDST 0x80000007
#endif
#ifndef PCPU
#define PCPU 3
#endif
#ifndef RESERVED
#define RESERVED 0x81000104
#endif
#ifndef AGAINST
#undef POSTS
#define AGAINST 0
#define POSTS 0
#elif !defined(POSTS)
#define POSTS 1
#endif

#define CARDS(nv, ndst) ((u64)(u32)(ndst) << 32 | (u64)(nv) << 16)
#define CARDS_MASK CARDS(0xff, ~0u)
#define ON_MASK (1 << POSTED_INTR_ON)
#define OTHERS_BIT 5 /* RESERVED leaves it 0 */
#define OTHERS (AGAINST << OTHERS_BIT)
#define BEFORE                                                                                     \
	(CARDS(RUNNING_VECTOR, NDST) | RESERVED | SN << POSTED_INTR_SN | ON << POSTED_INTR_ON)

bool pre_block(struct pi_desc *pi_desc, u32 pre_pcpu);

static struct pi_desc pi;
static bool may_sleep, warned;
static int notifications;
static u64 notified;

/* In place of the machine's, for which a warning is the end. */
__attribute__((visibility("hidden"))) void cmpx_warn(const char *condition)
{
	(void)condition;
	warned = true;
}

INIT
{
	pi.control = BEFORE;
}

PROCESS(cpu)
{
	may_sleep = pre_block(&pi, PCPU);
}

PROCESS(iommu)
{
	u64 control, last = 0;
	int i, count = 0;

	for (i = 0; i < POSTS; i++) {
		if (iommu_post(&pi, 32 + i, false, &control) & POST_NOTIFIED) {
			last = control & CARDS_MASK;
			count++;
		}
	}
	if (count) {
		notified = last;
		notifications = count;
	}
}

PROCESS(other)
{
	if (OTHERS)
		set_bit(OTHERS_BIT, (unsigned long *)&pi.control);
}

FINALLY
{
	bool old_nv = (u8)(notified >> 16) == RUNNING_VECTOR;
	bool old_ndst = notified >> 32 == (u32)NDST;
	bool woken = notified && !old_nv; /* are the new values the right ones? see NV and NDST */
	u64 changed = (pi.control ^ BEFORE) & ~(CARDS_MASK | ON_MASK);
	int i;

	EXPECT(AGAINST || ON || SN || pi.control != BEFORE, "pre_block does nothing");

	EXPECT(pi.on || !(ON + notifications), "ON is lost");
	EXPECT(ON + notifications <= 1, "ON was lost, and set again");
	EXPECT(changed & OTHERS || !OTHERS, "the reserved bit that somebody else has set is lost");
	EXPECT(!notified || old_nv == old_ndst,
	       "of the NV and the NDST of a notification one is old and the other new");
	EXPECT(!may_sleep || !pi.on || woken, "the vCPU sleeps with an interrupt pending");

	EXPECT(may_sleep || pi.on, "it returned false, but ON is 0");
	EXPECT(pi.nv == (may_sleep ? WAKEUP_VECTOR : RUNNING_VECTOR),
	       "NV does not fit the return value");
	EXPECT(pi.ndst == PCPU, "NDST is not pre_pcpu");
	EXPECT(changed == OTHERS, "SN or a reserved bit has changed");
	for (i = 0; i < 8; i++)
		EXPECT(pi.pir[i] == (i == 1 ? (1u << POSTS) - 1 : 0), "PIR has changed");
	EXPECT(warned == SN, "WARN_ON must fire if SN is set, and only then");
}
