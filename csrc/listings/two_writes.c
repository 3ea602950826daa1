/* SPDX-License-Identifier: MIT */
/*
 * Two plus two writes: each process stores to both words, in opposite order.
 *
 * Property: not both first stores are the ones that last. Buffers leave in order, so x86 keeps it.
 * Effect: all four stores arrive.
 * Source: 2+2W of herdtools7, catalogue/x86; a processor's stores stay in order, Intel SDM vol. 3A,
 * 8.2.2, for x86-TSO's buffers are first in, first out: Sewell et al., CACM 53(7), 2010.
 * Expect: sc holds, tso holds
 */
#include <cmpx/listing.h>
#include <linux/atomic.h>

static int x, y;
static bool a_done, b_done;

PROCESS(a)
{
	WRITE_ONCE(x, 1);
	WRITE_ONCE(y, 2);
	a_done = true;
}

PROCESS(b)
{
	WRITE_ONCE(y, 1);
	WRITE_ONCE(x, 2);
	b_done = true;
}

FINALLY
{
	EXPECT(x != 1 || y != 1, "both first stores came last");
	EXPECT(x && y && a_done && b_done, "a store is missing");
}
