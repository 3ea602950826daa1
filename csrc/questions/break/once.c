/* SPDX-License-Identifier: MIT */
/*
 * An object is made when it is first needed; two processes need it at the same time.
 *
 * Property: both work with the same object, and every increment arrives in it.
 */
#include <cmpx/listing.h>
#include <linux/atomic.h>
#include <linux/slab.h>

static atomic_t *shared;

static atomic_t *get(void)
{
	atomic_t *made = READ_ONCE(shared);

	if (made)
		return made;
	made = kmalloc(sizeof(*made), GFP_KERNEL);
	atomic_set(made, START);
	cmpxchg(&shared, NULL, made);
	return made;
}

PROCESS(a)
{
	atomic_inc(get());
}

PROCESS(b)
{
	atomic_inc(get());
}

FINALLY
{
	EXPECT(atomic_read(shared) == START + 2, "an increment is lost");
}
