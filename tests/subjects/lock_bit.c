/* SPDX-License-Identifier: MIT */
/* A lock that is one bit of a word. */
#include <cmpx/listing.h>
#include <linux/atomic.h>

static unsigned long flags;
static int inside, turns;

static void take(void)
{
	while (test_and_set_bit_lock(3, &flags))
		cpu_relax();
}

static void drop(void)
{
	clear_bit_unlock(3, &flags);
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
