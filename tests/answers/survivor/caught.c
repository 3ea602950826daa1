/* fails: all */
#include <cmpx/listing.h>
#include <linux/atomic.h>

static u32 dial, open;

/* Turns the dial once past every number. */
PROCESS(hand)
{
	for (u32 number = 1; number <= 8; number++)
		WRITE_ONCE(dial, number);
}

/* Opens if the dial shows these numbers, one after the other, whenever it looks. */
PROCESS(lock)
{
	static const u8 code[] = { 1, 1, 3, 4, 4, 7 };

	for (u32 i = 0; i < sizeof(code); i++)
		if (READ_ONCE(dial) != code[i])
			return;
	open = 1;
}

FINALLY
{
	EXPECT(open, "hardly any run ends well");
}
