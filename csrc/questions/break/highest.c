/* SPDX-License-Identifier: MIT */
/*
 * Two processes report what they have measured; the highest value is kept.
 *
 * Property: in the end the word holds the higher of the two.
 */
#include <cmpx/listing.h>
#include <linux/atomic.h>

static u32 highest = START;

static void report(u32 value)
{
	u32 old = READ_ONCE(highest);

	if (value <= old)
		return;
	while (!try_cmpxchg(&highest, &old, value))
		cpu_relax();
}

PROCESS(a)
{
	report(START + 2);
}

PROCESS(b)
{
	report(START + 5);
}

FINALLY
{
	EXPECT(highest == START + 5, "the highest value is lost");
}
