/* SPDX-License-Identifier: MIT */
/* Three processes each move one unit from one half of a word to the other. */
#include <cmpx/listing.h>
#include <linux/atomic.h>

#define ONE_LEFT (1ull << 32)

static u64 both = 3 * ONE_LEFT;

static void move(void)
{
	u64 old = READ_ONCE(both);

	while (!try_cmpxchg64(&both, &old, old - ONE_LEFT + 1))
		;
}

PROCESS(a)
{
	move();
}

PROCESS(b)
{
	move();
}

PROCESS(c)
{
	move();
}

FINALLY
{
	EXPECT(both == 3, "a unit is lost");
}
