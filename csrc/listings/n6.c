/* SPDX-License-Identifier: MIT */
/*
 * A process reads its own store before the others can: x86's buffers forward.
 *
 * Property: a store that its own process reads is not older than a later one of the other's.
 * No order of the five accesses gives this outcome, and x86 does.
 * Effect: all store, a reads both.
 * Source: P. Loewenstein's n6, which real x86 processors show, in Sewell et al., "x86-TSO: a
 * rigorous and usable programmer's model for x86 multiprocessors", CACM 53(7), 2010, section 2.2.
 * Expect: sc holds, tso fails (a read its own store early)
 */
#include <cmpx/listing.h>
#include <linux/atomic.h>

static int x, y, seen_x = -1, seen_y = -1;

PROCESS(a)
{
	WRITE_ONCE(x, 1);
	seen_x = READ_ONCE(x);
	seen_y = READ_ONCE(y);
}

PROCESS(b)
{
	WRITE_ONCE(y, 2);
	WRITE_ONCE(x, 2);
}

FINALLY
{
	EXPECT(!(seen_x == 1 && seen_y == 0 && x == 1), "a read its own store early");
	EXPECT(seen_x >= 1 && seen_y >= 0, "a read is missing");
	EXPECT(x && y == 2, "a store is missing");
}
