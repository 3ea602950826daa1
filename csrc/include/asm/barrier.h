/* SPDX-License-Identifier: MIT */
#ifndef _ASM_BARRIER_H
#define _ASM_BARRIER_H

#include <asm/processor.h>
#include <linux/compiler.h>

#define smp_mb() __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define smp_rmb() __atomic_thread_fence(__ATOMIC_ACQUIRE)
#define smp_wmb() __atomic_thread_fence(__ATOMIC_RELEASE)

/* A LOCKed x86 instruction is a full barrier by itself. */
#ifdef __x86_64__
#define smp_mb__before_atomic() barrier()
#define smp_mb__after_atomic() barrier()
#else
#define smp_mb__before_atomic() smp_mb()
#define smp_mb__after_atomic() smp_mb()
#endif
#define smp_mb__after_spinlock() smp_mb__after_atomic()

#define smp_load_acquire(ptr) __atomic_load_n((ptr), __ATOMIC_ACQUIRE)
#define smp_store_release(ptr, val) __atomic_store_n((ptr), (val), __ATOMIC_RELEASE)
#define smp_store_mb(var, val) ((void)__atomic_exchange_n(&(var), (val), __ATOMIC_SEQ_CST))
#define smp_acquire__after_ctrl_dep() smp_rmb()

/* Read until the condition on VAL holds; the value that it held for. */
#define smp_cond_load_relaxed(ptr, cond)                                                           \
	({                                                                                         \
		__typeof__(*(ptr)) VAL;                                                            \
		for (;;) {                                                                         \
			VAL = READ_ONCE(*(ptr));                                                   \
			if (cond)                                                                  \
				break;                                                             \
			cpu_relax();                                                               \
		}                                                                                  \
		VAL;                                                                               \
	})
#define smp_cond_load_acquire(ptr, cond)                                                           \
	({                                                                                         \
		__typeof__(*(ptr)) __got = smp_cond_load_relaxed(ptr, cond);                       \
		smp_acquire__after_ctrl_dep();                                                     \
		__got;                                                                             \
	})

#endif
