/* SPDX-License-Identifier: MIT */
/*
 * Two processes with nothing in common: every interleaving ends the same way.
 *
 * Property and effect: both counts arrive.
 * Expect: sc holds, tso holds
 */
#include <cmpx/listing.h>

static int a_count, b_count;

PROCESS(a)
{
	a_count = 1;
	a_count = 2;
	a_count = 3;
}

PROCESS(b)
{
	b_count = 1;
	b_count = 2;
	b_count = 3;
}

FINALLY
{
	EXPECT(a_count == 3 && b_count == 3, "a count is missing");
}
