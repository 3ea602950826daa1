/* SPDX-License-Identifier: MIT */
/* A lock that serves in the order of arrival. */
#include <cmpx/listing.h>
#include <linux/atomic.h>

static atomic_t next;
static int serving;
static int inside, turns;

static void take(void)
{
	int ticket = atomic_fetch_inc(&next);

	smp_cond_load_acquire(&serving, VAL == ticket);
}

static void drop(void)
{
	smp_store_release(&serving, serving + 1);
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
