/* SPDX-License-Identifier: MIT */
/*
 * Before it goes in, each says so, and then looks whether the other has said so too.
 *
 * Property: they are never both inside. (It may happen that neither goes in.)
 */
#include <cmpx/listing.h>
#include <linux/atomic.h>

static u32 wants_a, wants_b;
static int inside_a, inside_b;

PROCESS(a)
{
	smp_store_release(&wants_a, START);
	if (smp_load_acquire(&wants_b) != START)
		inside_a = 1;
}

PROCESS(b)
{
	smp_store_release(&wants_b, START);
	if (smp_load_acquire(&wants_a) != START)
		inside_b = 1;
}

FINALLY
{
	EXPECT(!(inside_a && inside_b), "both are inside");
}
