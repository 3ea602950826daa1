/* SPDX-License-Identifier: MIT */
/* The spinlock of our headers. */
#include <cmpx/listing.h>
#include <linux/spinlock.h>

static DEFINE_SPINLOCK(lock);
static int inside, turns;

static void take(void)
{
	spin_lock(&lock);
}

static void drop(void)
{
	spin_unlock(&lock);
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
