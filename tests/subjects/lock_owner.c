/* SPDX-License-Identifier: MIT */
/* A lock that holds its owner, taken if there is none. */
#include <cmpx/listing.h>
#include <linux/atomic.h>

static atomic_long_t owner;
static int inside, turns;

static void take(void)
{
	while (atomic_long_cmpxchg_acquire(&owner, 0, 1))
		cpu_relax();
}

static void drop(void)
{
	atomic_long_set_release(&owner, 0);
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
