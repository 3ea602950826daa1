/* SPDX-License-Identifier: MIT */
/*
 * Three users of a loop macro stand for those of lib/lockref.c: lockref.
 * Two want a reference while the last one is put.
 */
#include <cmpx/listing.h>
#include <linux/export.h>
#include <linux/lockref.h>

/* text */
#define COUNT_LOOP(STEP, DONE) do {						\
	int tries = 0;								\
	struct lockref old;							\
	BUILD_BUG_ON(sizeof(old) != sizeof(u64));				\
	old.lock_count = READ_ONCE(lockref->lock_count);			\
	while (likely(arch_spin_value_unlocked(old.lock.rlock.raw_lock)) &&	\
	       tries++ < 100) {							\
		struct lockref new = old;					\
		STEP								\
		if (try_cmpxchg64_relaxed(&lockref->lock_count,			\
					  &old.lock_count, new.lock_count)) {	\
			DONE;							\
		}								\
		cpu_relax();							\
	}									\
} while (0)

int lockref_get_not_zero(struct lockref *lockref)
{
	int alive;

	COUNT_LOOP(
		if (old.count <= 0)
			return 0;
		new.count = old.count + 1;
	,
		return 1;
	);
	spin_lock(&lockref->lock);
	alive = lockref->count > 0;
	lockref->count += alive;
	spin_unlock(&lockref->lock);
	return alive;
}
EXPORT_SYMBOL(lockref_get_not_zero);

bool lockref_put_or_lock(struct lockref *lockref)
{
	bool last;

	COUNT_LOOP(
		if (old.count <= 1)
			break;
		new.count = old.count - 1;
	,
		return true;
	);
	spin_lock(&lockref->lock);
	last = lockref->count <= 1;
	if (last)
		return false;
	lockref->count--;
	spin_unlock(&lockref->lock);
	return true;
}
EXPORT_SYMBOL(lockref_put_or_lock);

void lockref_mark_dead(struct lockref *lockref)
{
	assert_spin_locked(&lockref->lock);
	lockref->count = -128;
}
EXPORT_SYMBOL(lockref_mark_dead);
/* end of text */

static struct lockref ref = { .count = 1 };
static int got_a, got_b, dead;

PROCESS(a)
{
	got_a = lockref_get_not_zero(&ref);
}

PROCESS(b)
{
	got_b = lockref_get_not_zero(&ref);
}

PROCESS(last)
{
	if (lockref_put_or_lock(&ref))
		return;
	dead = 1;
	lockref_mark_dead(&ref);
	spin_unlock(&ref.lock);
}

FINALLY
{
	EXPECT(ref.count == (dead ? -128 : got_a + got_b), "the count is wrong");
	EXPECT(dead == !(got_a || got_b), "a reference to what is dead");
}
