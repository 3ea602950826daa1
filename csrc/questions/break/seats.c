/* SPDX-License-Identifier: MIT */
/*
 * One takes a seat if there is one left, another takes one and gives it back.
 *
 * Property: no seat is lost, none is given out that is not there.
 */
#include <cmpx/listing.h>
#include <linux/atomic.h>

static u32 seats = START;
static u32 taken;

static bool take(void)
{
	u32 old;

	do {
		old = READ_ONCE(seats);
		if (old == 0)
			return false;
	} while (cmpxchg(&seats, old, old - 1) != old);
	return true;
}

static void give_back(void)
{
	u32 old = READ_ONCE(seats), seen;

	while ((seen = cmpxchg(&seats, old, old + 1)) != old)
		old = seen;
}

PROCESS(a)
{
	taken = take();
}

PROCESS(b)
{
	if (take())
		give_back();
}

FINALLY
{
	EXPECT(seats + taken == START, "the seats do not add up");
}
