/* SPDX-License-Identifier: MIT */
/*
 * Wrong: after a failure the same new value is tried again. The post that made the first try fail
 * notifies the old vector, and the second try takes its ON away.
 *
 * Property: it does not sleep with an interrupt pending: it sees ON, or the post wakes it.
 * Effect: NV and NDST send later posts to the wakeup handler; the post is in PIR and has set ON.
 * Expect: sc fails (the vCPU sleeps with an interrupt pending)
 * Expect: tso fails (the vCPU sleeps with an interrupt pending)
 */
#include <cmpx/listing.h>
#include "pi_desc_loop.h"

static struct pi_desc pi;
static bool asleep, woken;

INIT
{
	pi.nv = POSTED_INTR_VECTOR;
}

PROCESS(cpu)
{
	pi_update_stale(&pi, POSTED_INTR_WAKEUP_VECTOR, 3);
	asleep = !pi_test_on(&pi);
}

PROCESS(iommu)
{
	u64 control;

	if (iommu_post(&pi, 32, false, &control) & POST_NOTIFIED)
		woken = (u8)(control >> 16) == POSTED_INTR_WAKEUP_VECTOR;
}

FINALLY
{
	EXPECT(!asleep || woken, "the vCPU sleeps with an interrupt pending");
	EXPECT(pi.on && pi.pir[1] == 1, "the post did not arrive");
	EXPECT(pi.nv == POSTED_INTR_WAKEUP_VECTOR && pi.ndst == 3, "the update did not arrive");
}
