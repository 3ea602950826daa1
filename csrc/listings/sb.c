/* SPDX-License-Identifier: MIT */
/*
 * Store buffering: each process stores to one word and reads the other.
 *
 * Property: at least one of them reads a 1. x86's store buffers break it, unless a full barrier
 * lets the store out before the read.
 * Effect: both store, both read.
 * Source: Intel SDM vol. 3A, 8.2.3.4, example 8-3; x86-TSO allows it: Sewell et al., CACM 53(7),
 * 2010, section 1.
 * Expect: sc holds, tso fails (both read 0)
 * Expect BARRIERS=1: sc holds, tso holds
 */
#include <cmpx/listing.h>
#include <linux/atomic.h>

#if BARRIERS
#define fence() smp_mb()
#else
#define fence() barrier()
#endif

static int x, y, seen_a = -1, seen_b = -1;

PROCESS(a)
{
	WRITE_ONCE(x, 1);
	fence();
	seen_a = READ_ONCE(y);
}

PROCESS(b)
{
	WRITE_ONCE(y, 1);
	fence();
	seen_b = READ_ONCE(x);
}

FINALLY
{
	EXPECT(seen_a || seen_b, "both read 0");
	EXPECT(seen_a >= 0 && seen_b >= 0, "a read is missing");
	EXPECT(x && y, "a store is missing");
}
