/* SPDX-License-Identifier: MIT */
/*
 * Wrong: two bit-fields of one struct with a writer each. Each assigns a constant to its own bit
 * and to no other.
 *
 * Property and effect: both bits are set.
 * Expect: sc fails (a bit is lost), tso fails (a bit is lost)
 */
#include <cmpx/listing.h>

static struct {
	unsigned int ready : 1, muted : 1;
} status;

PROCESS(a)
{
	status.ready = 1;
}

PROCESS(b)
{
	status.muted = 1;
}

FINALLY
{
	EXPECT(status.ready && status.muted, "a bit is lost");
}
