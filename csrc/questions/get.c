/* SPDX-License-Identifier: MIT */
/*
 * The harness of get: alone; two at once, on a count that nobody takes down; and a lookup that
 * meets the last put.
 */
#include <cmpx/listing.h>
#include <linux/atomic.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#ifndef START
#define START 2
#endif

bool get(u32 *count);

#if defined(ALONE)
static u32 count;

static bool get_of(u32 before)
{
	WRITE_ONCE(count, before);
	return get(&count);
}

PROCESS(alone)
{
	bool held = get_of(START);

	EXPECT(count != START, "get does nothing");
	EXPECT(count == START + 1, "the count is not one more");
	EXPECT(held, "get took a reference and returned false");
	held = get_of(0);
	EXPECT(count == 0, "a count of 0 must stay 0");
	EXPECT(!held, "get of 0 must return false");
	held = get_of(SATURATED - 1);
	EXPECT(held && count == SATURATED, "the step to SATURATED is a step like the others");
	held = get_of(SATURATED);
	EXPECT(held && count == SATURATED,
	       "a saturated count must stay as it is, and get return true");
}
#elif defined(BOTH)
static u32 count = START;
static bool a_holds, b_holds;

PROCESS(a)
{
	a_holds = get(&count);
}

PROCESS(b)
{
	b_holds = get(&count);
}

FINALLY
{
	EXPECT(count >= START + a_holds + b_holds,
	       "somebody holds a reference that is not counted");
	EXPECT(a_holds && b_holds, "get returned false, but the count never was 0");
	EXPECT(count == START + 2, "a reference is counted that nobody holds");
}
#else
static struct object {
	u32 count;
	int data;
} *mine, *slot;
static DEFINE_SPINLOCK(lock);

static void put(struct object *o)
{
	u32 old = READ_ONCE(o->count);

	while (!try_cmpxchg(&o->count, &old, old - 1))
		;
	if (old != 1)
		return;
	spin_lock(&lock);
	slot = NULL;
	spin_unlock(&lock);
	kfree(o);
}

INIT
{
	mine = slot = kzalloc(sizeof(*slot), GFP_KERNEL);
	slot->count = 1;
	slot->data = 7;
}

PROCESS(owner)
{
	put(mine);
}

PROCESS(lookup)
{
	struct object *o;
	bool held;

	spin_lock(&lock);
	o = slot;
	held = o && get(&o->count);
	spin_unlock(&lock);
	if (held) {
		EXPECT(o->data == 7, "the object is not what it was");
		put(o);
	}
}

FINALLY
{
	EXPECT(!slot, "a reference is counted that nobody holds");
}
#endif
