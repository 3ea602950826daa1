/* SPDX-License-Identifier: MIT */
/*
 * A lock made of one cmpxchg, taken by CPUS processes.
 *
 * Property: one holder at a time, so no increment is lost.
 * Effect: each process gets its turn.
 * Progress: whoever finds the lock free takes it; no fairness.
 * Expect: sc holds, tso holds
 * Expect CPUS=3: sc holds, tso holds
 * Expect CPUS=4: sc holds
 */
#include <cmpx/listing.h>
#include <linux/atomic.h>

#ifndef CPUS
#define CPUS 2
#endif

static int lock, inside, turns;

static void work(void)
{
	while (cmpxchg_acquire(&lock, 0, 1) != 0)
		cpu_relax();
	EXPECT(!inside, "two processes hold the lock");
	inside = 1;
	turns++;
	inside = 0;
	smp_store_release(&lock, 0);
}

PROCESS(a)
{
	work();
}

PROCESS(b)
{
	work();
}

#if CPUS > 2
PROCESS(c)
{
	work();
}
#endif

#if CPUS > 3
PROCESS(d)
{
	work();
}
#endif

FINALLY
{
	EXPECT(turns == CPUS, "a turn is lost");
}
