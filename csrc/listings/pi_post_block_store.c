/* SPDX-License-Identifier: MIT */
/*
 * Wrong: control is read, changed and stored back.
 *
 * Property: ON set by a post stays set. A post between the read and the store is written over.
 * Effect: NV and NDST are those of the last update; every vector is in PIR.
 * Expect: sc fails (ON is lost), tso fails (ON is lost)
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
		pi_update_store(&pi, POSTED_INTR_VECTOR, dest);
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
