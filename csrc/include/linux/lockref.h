/* SPDX-License-Identifier: MIT */
#ifndef _LINUX_LOCKREF_H
#define _LINUX_LOCKREF_H

#include <linux/spinlock.h>

#define USE_CMPXCHG_LOCKREF 1

/* A lock and a count in one 64-bit word, so that a CAS can change the count while the lock is free.
 */
struct lockref {
	union {
		aligned_u64 lock_count;
		struct {
			spinlock_t lock;
			int count;
		};
	};
};

#endif
