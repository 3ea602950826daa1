/* SPDX-License-Identifier: MIT */
/*
 * Wrong: x = x + 1 is a read and a write, whatever the source looks like.
 *
 * Property and effect: each increment counts.
 * Expect: sc fails (an increment is lost), tso fails (an increment is lost)
 */
#include <cmpx/listing.h>
#include <linux/atomic.h>

#ifndef TURNS
#define TURNS 1
#endif

static unsigned long x;

PROCESS(a)
{
	for (int turn = 0; turn < TURNS; turn++)
		x = x + 1;
}

PROCESS(b)
{
	for (int turn = 0; turn < TURNS; turn++)
		x = x + 1;
}

FINALLY
{
	EXPECT(x == 2 * TURNS, "an increment is lost");
}
