/* SPDX-License-Identifier: MIT */
/*
 * add_unless_at stands for atomic_fetch_add_unless.
 * Three add one to a count that must not pass 3.
 */
#include <cmpx/listing.h>
#include <linux/atomic.h>

/* text */
static __always_inline int add_unless_at(atomic_t *v, int step, int stop)
{
	int seen = raw_atomic_read(v);

	instrument_atomic_read_write(v, sizeof(*v));
	while (likely(seen != stop))
		if (raw_atomic_try_cmpxchg(v, &seen, seen + step))
			break;
	return seen;
}
/* end of text */

static atomic_t v = ATOMIC_INIT(1);
static int by_a, by_b, by_c;

PROCESS(a)
{
	by_a = add_unless_at(&v, 1, 3);
}

PROCESS(b)
{
	by_b = add_unless_at(&v, 1, 3);
}

PROCESS(c)
{
	by_c = add_unless_at(&v, 1, 3);
}

FINALLY
{
	EXPECT(by_a + by_b + by_c == 1 + 2 + 3, "two saw the same count");
	EXPECT(atomic_read(&v) == 3, "past the stop");
}
