/* SPDX-License-Identifier: MIT */
/*
 * An increment with cmpxchg: a try that found another value starts again from a fresh read.
 *
 * Property and effect: each increment counts.
 * Progress: a try fails only because another one succeeded.
 * Expect: sc holds, tso holds
 */
#include <cmpx/listing.h>
#include <linux/atomic.h>

#ifndef TURNS
#define TURNS 1
#endif

static unsigned long x;

static void add_one(void)
{
	unsigned long old;

	do {
		old = READ_ONCE(x);
	} while (cmpxchg(&x, old, old + 1) != old);
}

PROCESS(a)
{
	for (int turn = 0; turn < TURNS; turn++)
		add_one();
}

PROCESS(b)
{
	for (int turn = 0; turn < TURNS; turn++)
		add_one();
}

FINALLY
{
	EXPECT(x == 2 * TURNS, "an increment is lost");
}
