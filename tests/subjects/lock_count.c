/* SPDX-License-Identifier: MIT */
/* A lock that counts down: whoever gets from 1 to 0 holds it. */
#include <cmpx/listing.h>
#include <linux/atomic.h>

static atomic_t count = ATOMIC_INIT(1);
static int inside, turns;

static void take(void)
{
	while (atomic_dec_return(&count) != 0)
		atomic_inc(&count);
}

static void drop(void)
{
	atomic_inc(&count);
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
