/* SPDX-License-Identifier: MIT */
/*
 * Message passing: data first, then a flag; the reader looks at the flag first.
 *
 * Property: whoever sees the flag sees the data. x86 keeps both orders by itself; other
 * processors need the barriers.
 * Effect: both words arrive, the reader reads both.
 * Source: Intel SDM vol. 3A, 8.2.3.2, example 8-1; x86-TSO forbids it: Sewell et al., CACM 53(7),
 * 2010, where the examples are gone through.
 * Expect: sc holds, tso holds
 * Expect BARRIERS=1: sc holds, tso holds
 */
#include <cmpx/listing.h>
#include <linux/atomic.h>

#if BARRIERS
#define release() smp_wmb()
#define acquire() smp_rmb()
#else
#define release() barrier()
#define acquire() barrier()
#endif

static int data, flag, saw_flag = -1, saw_data = -1;

PROCESS(writer)
{
	WRITE_ONCE(data, 1);
	release();
	WRITE_ONCE(flag, 1);
}

PROCESS(reader)
{
	saw_flag = READ_ONCE(flag);
	acquire();
	saw_data = READ_ONCE(data);
}

FINALLY
{
	EXPECT(saw_flag != 1 || saw_data == 1, "the flag came before the data");
	EXPECT(saw_flag >= 0 && saw_data >= 0, "a read is missing");
	EXPECT(data && flag, "a store is missing");
}
