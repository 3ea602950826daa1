/* SPDX-License-Identifier: MIT */
/*
 * Wrong, and right at -O0: nothing tells the compiler that flag changes. At -O1 it reads it once,
 * before the loop, and then goes round without looking.
 *
 * Property: the data is there once the flag is seen.
 * Effect: the waiter takes the data.
 * Progress: the waiter ends; with the read hoisted it does not.
 * Expect: sc holds, tso holds
 */
#include <cmpx/listing.h>
#include <linux/atomic.h>

static int data, flag, seen;

PROCESS(writer)
{
	data = 1;
	flag = 1;
}

PROCESS(waiter)
{
	while (!flag)
		;
	seen = data;
}

FINALLY
{
	EXPECT(seen == 1, "the flag came before the data");
}
