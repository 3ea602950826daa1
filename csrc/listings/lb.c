/* SPDX-License-Identifier: MIT */
/*
 * Load buffering: each process reads one word and then stores to the other.
 *
 * Property: not both read the 1 that the other stores later. x86 keeps a load before a later
 * store; the kernel's model allows the opposite without a barrier.
 * Effect: both read, both store.
 * Source: Intel SDM vol. 3A, 8.2.3.3, example 8-2; x86-TSO forbids it: Sewell et al., CACM 53(7),
 * 2010, where the examples are gone through.
 * Expect: sc holds, tso holds
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
	seen_a = READ_ONCE(x);
	fence();
	WRITE_ONCE(y, 1);
}

PROCESS(b)
{
	seen_b = READ_ONCE(y);
	fence();
	WRITE_ONCE(x, 1);
}

FINALLY
{
	EXPECT(!(seen_a == 1 && seen_b == 1), "both read what had not been written");
	EXPECT(seen_a >= 0 && seen_b >= 0, "a read is missing");
	EXPECT(x && y, "a store is missing");
}
