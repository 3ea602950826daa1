/* SPDX-License-Identifier: MIT */
/*
 * The sender fills a parcel and then says that it is there; the receiver looks once.
 *
 * Property: whoever is told that the parcel is there finds it filled.
 */
#include <cmpx/listing.h>
#include <linux/atomic.h>

static u32 weight, price, there;

PROCESS(a)
{
	WRITE_ONCE(weight, START);
	WRITE_ONCE(price, 2 * START);
	smp_store_release(&there, 1);
}

PROCESS(b)
{
	if (smp_load_acquire(&there)) {
		EXPECT(READ_ONCE(weight) == START, "no weight");
		EXPECT(READ_ONCE(price) == 2 * START, "no price");
	}
}
