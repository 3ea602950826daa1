/* SPDX-License-Identifier: MIT */
#ifndef _LINUX_SPINLOCK_H
#define _LINUX_SPINLOCK_H

#include <asm/barrier.h>
#include <linux/atomic.h>
#include <linux/bug.h>
#include <linux/lockdep.h>
#include <linux/preempt.h>
#include <linux/types.h>

typedef struct {
	u32 locked;
} arch_spinlock_t;

typedef struct raw_spinlock {
	arch_spinlock_t raw_lock;
} raw_spinlock_t;

typedef struct spinlock {
	union {
		struct raw_spinlock rlock;
	};
} spinlock_t;

#define __SPIN_LOCK_UNLOCKED(name)                                                                 \
	{                                                                                          \
		{                                                                                  \
			{ { 0 } }                                                                  \
		}                                                                                  \
	}
#define DEFINE_SPINLOCK(name) spinlock_t name = __SPIN_LOCK_UNLOCKED(name)
#define DEFINE_RAW_SPINLOCK(name) raw_spinlock_t name = { { 0 } }

void cmpx_lock(u32 *word);

/*
 * In the machine a thread that waits for a lock cannot step: a deadlock shows as one, and
 * waiting closes no cycle. Natively it spins.
 */
static __always_inline void arch_spin_lock(arch_spinlock_t *lock)
{
#ifdef CMPX_MACHINE
	cmpx_lock(&lock->locked);
#else
	while (__atomic_exchange_n(&lock->locked, 1, __ATOMIC_ACQUIRE))
		while (__atomic_load_n(&lock->locked, __ATOMIC_RELAXED))
			cpu_relax();
#endif
}

static __always_inline bool arch_spin_trylock(arch_spinlock_t *lock)
{
	return !__atomic_exchange_n(&lock->locked, 1, __ATOMIC_ACQUIRE);
}

static __always_inline void arch_spin_unlock(arch_spinlock_t *lock)
{
	__atomic_store_n(&lock->locked, 0, __ATOMIC_RELEASE);
}

static __always_inline int arch_spin_value_unlocked(arch_spinlock_t lock)
{
	return !lock.locked;
}

#define arch_spin_is_locked(lock) (READ_ONCE((lock)->locked) != 0)

#define raw_spin_lock_init(lock) ((void)((lock)->raw_lock.locked = 0))
#define raw_spin_lock(lock) arch_spin_lock(&(lock)->raw_lock)
#define raw_spin_trylock(lock) arch_spin_trylock(&(lock)->raw_lock)
#define raw_spin_unlock(lock) arch_spin_unlock(&(lock)->raw_lock)
#define spin_lock_init(lock) raw_spin_lock_init(&(lock)->rlock)
#define spin_lock(lock) raw_spin_lock(&(lock)->rlock)
#define spin_trylock(lock) raw_spin_trylock(&(lock)->rlock)
#define spin_unlock(lock) raw_spin_unlock(&(lock)->rlock)
#define spin_lock_irqsave(lock, flags) ((void)((flags) = 0), spin_lock(lock))
#define spin_unlock_irqrestore(lock, flags) ((void)(flags), spin_unlock(lock))
#define spin_lock_irq(lock) spin_lock(lock)
#define spin_unlock_irq(lock) spin_unlock(lock)
#define spin_is_locked(lock) arch_spin_is_locked(&(lock)->rlock.raw_lock)
#define assert_spin_locked(lock) BUG_ON(!spin_is_locked(lock))

#endif
