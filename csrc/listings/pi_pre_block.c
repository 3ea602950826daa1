/* SPDX-License-Identifier: MIT */
/*
 * The vCPU is about to block while a vector is posted.
 *
 * Property: it does not sleep with an interrupt pending: it sees ON, or the post wakes it.
 * Effect: NV and NDST send later posts to the wakeup handler; the post is in PIR and has set ON.
 * Progress: an update fails at most once for each time that ON turns on.
 * Expect: sc holds, tso holds
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
	asleep = pi_pre_block(&pi, 3);
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
