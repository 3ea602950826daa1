/* SPDX-License-Identifier: MIT */
/*
 * Three fields in one word, two writers: others raise the flag; the owner
 * moves, which takes mute away and names a new target. Right because each
 * write compares the whole word: whatever anybody changed since the read
 * makes it fail, and the next turn starts from what is there now.
 *
 * Property: the owner's two fields change in one step.
 * Effect: in the end all three have changed.
 * Progress: a try fails only because another one succeeded.
 * Expect: sc holds, tso holds
 */
#include <cmpx/listing.h>
#include <linux/atomic.h>

union status {
	struct {
		u32 flag : 1, mute : 1, : 14, target : 16;
	};
	u32 word;
};

static union status status = { .mute = 1, .target = 3 };

static void raise_flag(void)
{
	union status old, new;

	do {
		old.word = new.word = READ_ONCE(status.word);
		new.flag = 1;
	} while (cmpxchg(&status.word, old.word, new.word) != old.word);
}

static void move(u16 target)
{
	union status old, new;

	do {
		old.word = new.word = READ_ONCE(status.word);
		new.mute = 0;
		new.target = target;
	} while (cmpxchg(&status.word, old.word, new.word) != old.word);
}

PROCESS(other)
{
	raise_flag();
}

PROCESS(owner)
{
	move(7);
}

INVARIANT
{
	EXPECT(status.mute == (status.target == 3), "half a change shows");
}

FINALLY
{
	EXPECT(status.word == 0x70001, "a field is lost");
}
