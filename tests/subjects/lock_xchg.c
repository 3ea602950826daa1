/* SPDX-License-Identifier: MIT */
/* A lock taken with xchg. */
#include <cmpx/listing.h>
#include <linux/atomic.h>

static int lock;
static int inside, turns;

static void take(void)
{
	while (xchg_acquire(&lock, 1))
		cpu_relax();
}

static void drop(void)
{
	smp_store_release(&lock, 0);
}

static void work(void)
{
	take();
	EXPECT(!READ_ONCE(inside), "two processes hold the lock");
	WRITE_ONCE(inside, 1);
	WRITE_ONCE(turns, turns + 1);
	WRITE_ONCE(inside, 0);
	drop();
}

PROCESS(a)
{
	work();
}

PROCESS(b)
{
	work();
}

FINALLY
{
	EXPECT(turns == 2, "a turn is lost");
}
