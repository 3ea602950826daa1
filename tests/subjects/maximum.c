/* SPDX-License-Identifier: MIT */
/* Three processes raise a maximum. */
#include <cmpx/listing.h>
#include <linux/atomic.h>

static unsigned int highest;

static void note(unsigned int value)
{
	unsigned int old = READ_ONCE(highest);

	while (old < value)
		if (try_cmpxchg(&highest, &old, value))
			break;
}

PROCESS(a)
{
	note(1);
}

PROCESS(b)
{
	note(2);
}

PROCESS(c)
{
	note(3);
}

FINALLY
{
	EXPECT(highest == 3, "not the highest");
}
