/* SPDX-License-Identifier: MIT */
/*
 * try_to_lock stands for queued_spin_trylock.
 * Two try; one gets the lock.
 */
#include <cmpx/listing.h>
#include <asm/qspinlock.h>

/* text */
static __always_inline int try_to_lock(struct qspinlock *lock)
{
	int seen = atomic_read(&lock->val);

	return likely(seen == 0) && atomic_try_cmpxchg_acquire(&lock->val, &seen, _Q_LOCKED_VAL);
}
/* end of text */

static struct qspinlock lock = __ARCH_QSPINLOCK_UNLOCKED;
static int by_a, by_b;

PROCESS(a)
{
	by_a = try_to_lock(&lock);
}

PROCESS(b)
{
	by_b = try_to_lock(&lock);
}

FINALLY
{
	EXPECT(by_a + by_b == 1, "both hold the lock, or nobody does");
	EXPECT(lock.locked == 1, "the lock is free");
}
