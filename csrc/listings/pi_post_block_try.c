/* SPDX-License-Identifier: MIT */
/*
 * As pi_post_block, with try_cmpxchg: a failed try brings the fresh value along.
 *
 * Property: ON set by a post stays set.
 * Effect: NV and NDST are those of the last update; every vector is in PIR.
 * Progress: an update fails at most once for each time that ON turns on.
 * Expect: sc holds, tso holds
 */
#include <cmpx/listing.h>
#include "pi_desc_loop.h"

#ifndef UPDATES
#define UPDATES 4
#endif
#ifndef POSTS
#define POSTS 4
#endif

static struct pi_desc pi;

INIT
{
	pi.nv = POSTED_INTR_WAKEUP_VECTOR;
}

PROCESS(cpu)
{
	for (u32 dest = 1; dest <= UPDATES; dest++)
		pi_update_try(&pi, POSTED_INTR_VECTOR, dest);
}

PROCESS(iommu)
{
	for (int vector = 0; vector < POSTS; vector++) {
		pi_test_and_set_pir(vector, &pi);
		pi_test_and_set_on(&pi);
	}
}

FINALLY
{
	EXPECT(pi.on, "ON is lost");
	EXPECT(pi.pir[0] == (1u << POSTS) - 1, "a posted vector is lost");
	EXPECT(pi.nv == POSTED_INTR_VECTOR && pi.ndst == UPDATES, "the update did not arrive");
}
