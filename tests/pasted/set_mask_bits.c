/* SPDX-License-Identifier: MIT */
/*
 * put_bits stands for set_mask_bits.
 * Two fields of one word are set at once.
 */
#include <cmpx/listing.h>
#include <linux/atomic.h>

/* text */
#define put_bits(ptr, mask, bits)						\
({										\
	const typeof(*(ptr)) m__ = (mask), b__ = (bits);			\
	typeof(*(ptr)) seen__ = READ_ONCE(*(ptr)), next__;			\
										\
	for (;;) {								\
		next__ = b__ | (seen__ & ~m__);					\
		if (try_cmpxchg(ptr, &seen__, next__))				\
			break;							\
	}									\
	seen__;									\
})
/* end of text */

static unsigned int flags = 0x5a5a;
static unsigned int by_a, by_b;

PROCESS(a)
{
	by_a = put_bits(&flags, 0xff, 0x11);
}

PROCESS(b)
{
	by_b = put_bits(&flags, 0xff00, 0x2200);
}

FINALLY
{
	EXPECT(flags == 0x2211, "a field is lost");
	EXPECT((by_a == 0x5a5a) + (by_b == 0x5a5a) == 1, "not one came first");
}
