/* SPDX-License-Identifier: MIT */
#ifndef _LINUX_COMPILER_H
#define _LINUX_COMPILER_H

/* glibc's <sys/cdefs.h> defines it too, without the linkage the kernel gives it */
#undef __always_inline
#define __always_inline inline __attribute__((__always_inline__))
#define __aligned(x) __attribute__((__aligned__(x)))
#define __packed __attribute__((__packed__))
#define __must_check __attribute__((__warn_unused_result__))
#define __maybe_unused __attribute__((__unused__))
#define __always_unused __attribute__((__unused__))
#ifndef noinline
#define noinline __attribute__((__noinline__))
#endif
#ifndef fallthrough
#define fallthrough __attribute__((__fallthrough__))
#endif

/* Said to the kernel's own checkers and linker; nothing to do here. */
#define __acquires(x)
#define __releases(x)
#define __must_hold(x)
#define __acquire(x) ((void)0)
#define __release(x) ((void)0)
#define __rcu
#define __user
#define __percpu
#define __iomem
#define __force
#define __private
#define notrace
#define __sched
#define __read_mostly
#define __no_kcsan
#define ____cacheline_aligned __aligned(64)
#define ____cacheline_aligned_in_smp ____cacheline_aligned
#define __cacheline_aligned_in_smp ____cacheline_aligned
#define data_race(expr) (expr)
#define kcsan_mb() ((void)0)
#define instrument_atomic_read(v, size) ((void)0)
#define instrument_atomic_write(v, size) ((void)0)
#define instrument_atomic_read_write(v, size) ((void)0)
#define ASSERT_EXCLUSIVE_WRITER(var) ((void)(var))
#define ASSERT_EXCLUSIVE_ACCESS(var) ((void)(var))

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#ifndef unreachable
#define unreachable() __builtin_unreachable()
#endif
#define __same_type(a, b) __builtin_types_compatible_p(__typeof__(a), __typeof__(b))

#define barrier() __asm__ __volatile__("" : : : "memory")

/* One access, neither merged, repeated nor left out by the compiler. */
#ifndef READ_ONCE
#define READ_ONCE(x) (*(const volatile __typeof__(x) *)&(x))
#endif
#ifndef WRITE_ONCE
#define WRITE_ONCE(x, val) (*(volatile __typeof__(x) *)&(x) = (val))
#endif

#endif
