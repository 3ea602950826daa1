/* SPDX-License-Identifier: MIT */
/* The type of the kernel's queued spinlock: one word, whose parts have names. */
#ifndef _ASM_QSPINLOCK_H
#define _ASM_QSPINLOCK_H

#include <linux/atomic.h>

typedef struct qspinlock {
	union {
		atomic_t val;
		struct {
			u8 locked;
			u8 pending;
			u16 tail;
		};
		u16 locked_pending;
	};
} qspinlock_t;

#define __ARCH_QSPINLOCK_UNLOCKED                                                                  \
	{                                                                                          \
		{                                                                                  \
			.val = ATOMIC_INIT(0)                                                      \
		}                                                                                  \
	}

#define _Q_LOCKED_VAL (1U << 0)
#define _Q_LOCKED_MASK 0xffU
#define _Q_PENDING_VAL (1U << 8)
#define _Q_PENDING_MASK 0xff00U
#define _Q_TAIL_MASK 0xffff0000U

#endif
