/* SPDX-License-Identifier: MIT */
/* A lock for one writer or several readers: -1, or how many. */
#include <cmpx/listing.h>
#include <linux/atomic.h>

static atomic_t holders;
static int first, second, seen_a = -1, seen_b = -1;

static void take(int least, int step)
{
	int old = 0;

	while (!atomic_try_cmpxchg_acquire(&holders, &old, old + step))
		if (old < least)
			old = least;
}

static void drop(int step)
{
	atomic_sub_return_release(step, &holders);
}

PROCESS(writer)
{
	int none = 0;

	while (!atomic_try_cmpxchg_acquire(&holders, &none, -1))
		none = 0;
	WRITE_ONCE(first, 1);
	WRITE_ONCE(second, 1);
	drop(-1);
}

static int look(void)
{
	int sum;

	take(0, 1);
	sum = READ_ONCE(first);
	sum += READ_ONCE(second);
	drop(1);
	return sum;
}

PROCESS(a)
{
	seen_a = look();
}

PROCESS(b)
{
	seen_b = look();
}

FINALLY
{
	EXPECT(seen_a == 0 || seen_a == 2, "a saw half of it");
	EXPECT(seen_b == 0 || seen_b == 2, "b saw half of it");
	EXPECT(first && second && !atomic_read(&holders), "the lock is still taken");
}
