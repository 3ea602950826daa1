/* SPDX-License-Identifier: MIT */
/* Three processes each set a field of one word. */
#include <cmpx/listing.h>
#include <linux/atomic.h>

static u16 word;

static void set_field(int shift, u16 value)
{
	u16 old = READ_ONCE(word);

	while (!try_cmpxchg(&word, &old, (old & ~(15 << shift)) | value << shift))
		;
}

PROCESS(a)
{
	set_field(0, 1);
}

PROCESS(b)
{
	set_field(4, 2);
}

PROCESS(c)
{
	set_field(8, 3);
}

FINALLY
{
	EXPECT(word == 0x321, "a field is lost");
}
