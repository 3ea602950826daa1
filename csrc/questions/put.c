/* SPDX-License-Identifier: MIT */
/*
 * The harness of put: alone; and users who each give back their references, one of whom has taken
 * a second one meanwhile. Whoever is told that it was the last frees the object.
 */
#include <cmpx/listing.h>
#include <linux/atomic.h>
#include <linux/slab.h>

bool put(u32 *count);

#if defined(ALONE)
static u32 count;

static bool put_of(u32 before)
{
	WRITE_ONCE(count, before);
	return put(&count);
}

PROCESS(alone)
{
	bool last = put_of(2);

	EXPECT(count != 2, "put does nothing");
	EXPECT(count == 1, "the count is not one less");
	EXPECT(!last, "put left a count of 1 and returned true");
	last = put_of(1);
	EXPECT(last && count == 0, "the last put takes the count to 0 and returns true");
	last = put_of(0);
	EXPECT(!last && count == 0, "a count of 0 must stay 0, and put return false");
	last = put_of(SATURATED);
	EXPECT(!last && count == SATURATED,
	       "a saturated count must stay as it is, and put return false");
}
#else
#ifndef USERS
#define USERS 2
#endif

static struct object {
	u32 count;
	int data;
} *object;
static bool freed;

static void drop(void)
{
	EXPECT(object->data == 7, "the object is not what it was");
	if (put(&object->count)) {
		WRITE_ONCE(freed, true);
		kfree(object);
	}
}

INIT
{
	object = kzalloc(sizeof(*object), GFP_KERNEL);
	object->count = USERS;
	object->data = 7;
}

PROCESS(a)
{
	drop();
}

PROCESS(b)
{
	u32 old = READ_ONCE(object->count);

	while (!try_cmpxchg(&object->count, &old, old + 1))
		;
	drop();
	drop();
}

#if USERS > 2
PROCESS(c)
{
	drop();
}
#endif

FINALLY
{
	EXPECT(freed, "all references are given back, and nobody was told that his was the last");
}
#endif
