/* SPDX-License-Identifier: MIT */
/*
 * Peterson's lock for two processes, of loads and stores alone.
 *
 * Property: one holder at a time, so no increment is lost. It needs each process's flag to be seen
 * before it looks at the other's: x86 does not promise that without a full barrier.
 * Effect: each process gets its turn.
 * Progress: a process waits only while the other wants the lock and has priority.
 * Expect: sc holds, tso fails (both were inside)
 * Expect BARRIERS=1: sc holds, tso holds
 */
#include <cmpx/listing.h>
#include <linux/atomic.h>

#if BARRIERS
#define fence() smp_mb()
#else
#define fence() barrier()
#endif

static int wants[2], yields, turns;

static void work(int me)
{
	int other = 1 - me;

	WRITE_ONCE(wants[me], 1);
	WRITE_ONCE(yields, me);
	fence();
	while (READ_ONCE(wants[other]) && READ_ONCE(yields) == me)
		cpu_relax();
	turns++;
	smp_store_release(&wants[me], 0);
}

PROCESS(a)
{
	work(0);
}

PROCESS(b)
{
	work(1);
}

FINALLY
{
	EXPECT(turns == 2, "both were inside");
}
