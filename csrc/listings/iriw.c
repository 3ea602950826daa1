/* SPDX-License-Identifier: MIT */
/*
 * Independent reads of independent writes: two readers, two writers.
 *
 * Property: the readers agree on which store came first. x86 has one memory for all stores that
 * left their buffers; the kernel's model needs the barriers.
 * Effect: both store, both read twice.
 * Source: Intel SDM vol. 3A, 8.2.3.7, forbids it, as does x86-TSO, whose stores all reach one
 * memory; earlier texts did not: Sewell et al., CACM 53(7), 2010, section 2.2.
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

static int x, y, first_c = -1, second_c = -1, first_d = -1, second_d = -1;

PROCESS(a)
{
	WRITE_ONCE(x, 1);
}

PROCESS(b)
{
	WRITE_ONCE(y, 1);
}

PROCESS(c)
{
	first_c = READ_ONCE(x);
	fence();
	second_c = READ_ONCE(y);
}

PROCESS(d)
{
	first_d = READ_ONCE(y);
	fence();
	second_d = READ_ONCE(x);
}

FINALLY
{
	EXPECT(!(first_c == 1 && second_c == 0 && first_d == 1 && second_d == 0),
	       "the readers disagree");
	EXPECT(second_c >= 0 && second_d >= 0, "a read is missing");
	EXPECT(x && y, "a store is missing");
}
