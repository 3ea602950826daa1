/* SPDX-License-Identifier: MIT */
/*
 * A vCPU of CPU 3 goes to sleep while one interrupt is posted. Whoever
 * includes this says in PROCESS(cpu) how it goes to sleep.
 */
#ifndef PI_SLEEP_H
#define PI_SLEEP_H

#include <cmpx/listing.h>
#include "pi_desc_loop.h"

static struct pi_desc pi;
static bool asleep, woken;

INIT
{
	pi.nv = POSTED_INTR_VECTOR;
	pi.ndst = 3;
}

/*
 * The wakeup handler of a CPU wakes who is on the list of that CPU; this
 * vCPU is on the list of CPU 3.
 */
PROCESS(iommu)
{
	struct pi_desc seen;

	if (iommu_post(&pi, 32, false, &seen.control) & POST_NOTIFIED &&
	    seen.nv == POSTED_INTR_WAKEUP_VECTOR && seen.ndst == 3)
		WRITE_ONCE(woken, true);
}

FINALLY
{
	EXPECT(!asleep || woken, "the vCPU sleeps with an interrupt pending");
}

/* control with the vector that wakes, the rest as it is. */
static __always_inline u64 with_wakeup(u64 control)
{
	struct pi_desc new = { .control = control };

	new.nv = POSTED_INTR_WAKEUP_VECTOR;
	return new.control;
}

#endif
