/* SPDX-License-Identifier: MIT */
/* Three processes add to a byte that stops at 255. */
#include <cmpx/listing.h>
#include <linux/atomic.h>

static u8 level = 100;

static void raise(u8 by)
{
	u8 old, new;

	do {
		old = READ_ONCE(level);
		new = old + by < 255 ? old + by : 255;
	} while (cmpxchg(&level, old, new) != old);
}

PROCESS(a)
{
	raise(70);
}

PROCESS(b)
{
	raise(60);
}

PROCESS(c)
{
	raise(50);
}

FINALLY
{
	EXPECT(level == 255, "some of it is lost");
}
