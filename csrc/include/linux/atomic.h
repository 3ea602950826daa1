/* SPDX-License-Identifier: MIT */
/*
 * The kernel's type-generic atomics and its atomic_t families on the compiler's builtins. Orders
 * follow Documentation/atomic_t.txt: no suffix = full order on success, none on failure.
 */
#ifndef _LINUX_ATOMIC_H
#define _LINUX_ATOMIC_H

#include <asm/barrier.h>
#include <linux/bitops.h>
#include <linux/compiler.h>
#include <linux/types.h>

#define __ORDER __ATOMIC_SEQ_CST
#define __ORDER_relaxed __ATOMIC_RELAXED
#define __ORDER_acquire __ATOMIC_ACQUIRE
#define __ORDER_release __ATOMIC_RELEASE

/* "Full" orders what comes after as well. */
#define __AFTER smp_mb__after_atomic()
#define __AFTER_relaxed ((void)0)
#define __AFTER_acquire ((void)0)
#define __AFTER_release ((void)0)

/* Each argument is evaluated once; the value is always the one that was loaded. */
#define __cmpxchg(ptr, old, new, order)                                                            \
	({                                                                                         \
		__typeof__(*(ptr)) __seen = (old);                                                 \
		__atomic_compare_exchange_n((ptr), &__seen, (new), false, __ORDER##order,          \
					    __ATOMIC_RELAXED);                                     \
		__AFTER##order;                                                                    \
		__seen;                                                                            \
	})
#define cmpxchg(ptr, old, new) __cmpxchg(ptr, old, new, )
#define cmpxchg_relaxed(ptr, old, new) __cmpxchg(ptr, old, new, _relaxed)
#define cmpxchg_acquire(ptr, old, new) __cmpxchg(ptr, old, new, _acquire)
#define cmpxchg_release(ptr, old, new) __cmpxchg(ptr, old, new, _release)

/* True on success; on failure *oldp becomes the value seen. */
#define __try_cmpxchg(ptr, oldp, new, order)                                                       \
	({                                                                                         \
		bool __swapped = __atomic_compare_exchange_n((ptr), (oldp), (new), false,          \
							     __ORDER##order, __ATOMIC_RELAXED);    \
		__AFTER##order;                                                                    \
		__swapped;                                                                         \
	})
#define try_cmpxchg(ptr, oldp, new) __try_cmpxchg(ptr, oldp, new, )
#define try_cmpxchg_relaxed(ptr, oldp, new) __try_cmpxchg(ptr, oldp, new, _relaxed)
#define try_cmpxchg_acquire(ptr, oldp, new) __try_cmpxchg(ptr, oldp, new, _acquire)
#define try_cmpxchg_release(ptr, oldp, new) __try_cmpxchg(ptr, oldp, new, _release)

#define __xchg(ptr, new, order)                                                                    \
	({                                                                                         \
		__typeof__(*(ptr)) __old = __atomic_exchange_n((ptr), (new), __ORDER##order);      \
		__AFTER##order;                                                                    \
		__old;                                                                             \
	})
#define xchg(ptr, new) __xchg(ptr, new, )
#define xchg_relaxed(ptr, new) __xchg(ptr, new, _relaxed)
#define xchg_acquire(ptr, new) __xchg(ptr, new, _acquire)
#define xchg_release(ptr, new) __xchg(ptr, new, _release)

#define __IS_64(ptr) _Static_assert(sizeof(*(ptr)) == 8, "a ..64 operation needs a 64-bit object")
#ifndef cmpxchg64
#define __cmpxchg64(ptr, old, new, order)                                                          \
	({                                                                                         \
		__IS_64(ptr);                                                                      \
		__cmpxchg(ptr, old, new, order);                                                   \
	})
#define cmpxchg64(ptr, old, new) __cmpxchg64(ptr, old, new, )
#define cmpxchg64_relaxed(ptr, old, new) __cmpxchg64(ptr, old, new, _relaxed)
#define cmpxchg64_acquire(ptr, old, new) __cmpxchg64(ptr, old, new, _acquire)
#define cmpxchg64_release(ptr, old, new) __cmpxchg64(ptr, old, new, _release)
#endif
#ifndef try_cmpxchg64
#define __try_cmpxchg64(ptr, oldp, new, order)                                                     \
	({                                                                                         \
		__IS_64(ptr);                                                                      \
		__try_cmpxchg(ptr, oldp, new, order);                                              \
	})
#define try_cmpxchg64(ptr, oldp, new) __try_cmpxchg64(ptr, oldp, new, )
#define try_cmpxchg64_relaxed(ptr, oldp, new) __try_cmpxchg64(ptr, oldp, new, _relaxed)
#define try_cmpxchg64_acquire(ptr, oldp, new) __try_cmpxchg64(ptr, oldp, new, _acquire)
#define try_cmpxchg64_release(ptr, oldp, new) __try_cmpxchg64(ptr, oldp, new, _release)
#endif

/*
 * Without the LOCK prefix: atomic against what interrupts its own processor. Another processor
 * can come between the read and the write, so here they are two accesses.
 */
#define cmpxchg_local(ptr, old, new)                                                               \
	({                                                                                         \
		__typeof__(ptr) __p = (ptr);                                                       \
		__typeof__(*(ptr)) __old = (old), __new = (new), __seen = READ_ONCE(*__p);         \
                                                                                                   \
		if (__seen == __old)                                                               \
			WRITE_ONCE(*__p, __new);                                                   \
		__seen;                                                                            \
	})
#define try_cmpxchg_local(ptr, oldp, new)                                                          \
	({                                                                                         \
		__typeof__(oldp) __oldp = (oldp);                                                  \
		__typeof__(*(ptr)) __wanted = *__oldp;                                             \
                                                                                                   \
		*__oldp = cmpxchg_local(ptr, __wanted, new);                                       \
		*__oldp == __wanted;                                                               \
	})
#define cmpxchg64_local(ptr, old, new)                                                             \
	({                                                                                         \
		__IS_64(ptr);                                                                      \
		cmpxchg_local(ptr, old, new);                                                      \
	})

/* What follows makes one function for each order: full, relaxed, acquire, release. */
#define __ORDERS(make, ...)                                                                        \
	make(__VA_ARGS__, ) make(__VA_ARGS__, _relaxed) make(__VA_ARGS__, _acquire)                \
		make(__VA_ARGS__, _release)

#define __ATOMIC_FETCH(family, value, op, builtin, operand, order)                                 \
	static __always_inline value family##_fetch_##op##order(value i, family##_t *v)            \
	{                                                                                          \
		value old = __atomic_fetch_##builtin(&v->counter, operand, __ORDER##order);        \
                                                                                                   \
		__AFTER##order;                                                                    \
		return old;                                                                        \
	}
#define __ATOMIC_RETURN(family, value, op, order)                                                  \
	static __always_inline value family##_##op##_return##order(value i, family##_t *v)         \
	{                                                                                          \
		value new = __atomic_##op##_fetch(&v->counter, i, __ORDER##order);                 \
                                                                                                   \
		__AFTER##order;                                                                    \
		return new;                                                                        \
	}

/* Without a result it orders nothing. */
#define __ATOMIC_OP(family, value, op, builtin, operand)                                           \
	static __always_inline void family##_##op(value i, family##_t *v)                          \
	{                                                                                          \
		__atomic_fetch_##builtin(&v->counter, operand, __ATOMIC_RELAXED);                  \
	}                                                                                          \
	__ORDERS(__ATOMIC_FETCH, family, value, op, builtin, operand)

#define __ATOMIC_STEP(family, value, op, base, order)                                              \
	static __always_inline value family##_##op##_return##order(family##_t *v)                  \
	{                                                                                          \
		return family##_##base##_return##order(1, v);                                      \
	}                                                                                          \
	static __always_inline value family##_fetch_##op##order(family##_t *v)                     \
	{                                                                                          \
		return family##_fetch_##base##order(1, v);                                         \
	}
#define __ATOMIC_STEPS(family, value, op, base)                                                    \
	static __always_inline void family##_##op(family##_t *v)                                   \
	{                                                                                          \
		family##_##base(1, v);                                                             \
	}                                                                                          \
	__ORDERS(__ATOMIC_STEP, family, value, op, base)                                           \
	static __always_inline bool family##_##op##_and_test(family##_t *v)                        \
	{                                                                                          \
		return family##_##op##_return(v) == 0;                                             \
	}

#define __ATOMIC_SWAPS(family, value, order)                                                       \
	static __always_inline value family##_xchg##order(family##_t *v, value new)                \
	{                                                                                          \
		return __xchg(&v->counter, new, order);                                            \
	}                                                                                          \
	static __always_inline value family##_cmpxchg##order(family##_t *v, value old, value new)  \
	{                                                                                          \
		return __cmpxchg(&v->counter, old, new, order);                                    \
	}                                                                                          \
	static __always_inline bool family##_try_cmpxchg##order(family##_t *v, value *old,         \
								value new)                         \
	{                                                                                          \
		return __try_cmpxchg(&v->counter, old, new, order);                                \
	}

/* Add unless the counter is in the way; each turn tests the value that the last try saw. */
#define __ATOMIC_UNLESS(family, value, name, parameters, stop, next, type, result)                 \
	static __always_inline type family##_##name parameters                                     \
	{                                                                                          \
		value c = family##_read(v);                                                        \
                                                                                                   \
		do {                                                                               \
			if (unlikely(stop))                                                        \
				break;                                                             \
		} while (!family##_try_cmpxchg(v, &c, next));                                      \
		return result;                                                                     \
	}

#define __ATOMIC_FAMILY(family, value)                                                             \
	static __always_inline value family##_read(const family##_t *v)                            \
	{                                                                                          \
		return *(const volatile value *)&v->counter;                                       \
	}                                                                                          \
	static __always_inline void family##_set(family##_t *v, value i)                           \
	{                                                                                          \
		*(volatile value *)&v->counter = i;                                                \
	}                                                                                          \
	static __always_inline value family##_read_acquire(const family##_t *v)                    \
	{                                                                                          \
		return __atomic_load_n(&v->counter, __ATOMIC_ACQUIRE);                             \
	}                                                                                          \
	static __always_inline void family##_set_release(family##_t *v, value i)                   \
	{                                                                                          \
		__atomic_store_n(&v->counter, i, __ATOMIC_RELEASE);                                \
	}                                                                                          \
	__ATOMIC_OP(family, value, add, add, i)                                                    \
	__ATOMIC_OP(family, value, sub, sub, i)                                                    \
	__ATOMIC_OP(family, value, and, and, i)                                                    \
	__ATOMIC_OP(family, value, andnot, and, ~i)                                                \
	__ATOMIC_OP(family, value, or, or, i)                                                      \
	__ATOMIC_OP(family, value, xor, xor, i)                                                    \
	__ORDERS(__ATOMIC_RETURN, family, value, add)                                              \
	__ORDERS(__ATOMIC_RETURN, family, value, sub)                                              \
	__ATOMIC_STEPS(family, value, inc, add)                                                    \
	__ATOMIC_STEPS(family, value, dec, sub)                                                    \
	static __always_inline bool family##_sub_and_test(value i, family##_t *v)                  \
	{                                                                                          \
		return family##_sub_return(i, v) == 0;                                             \
	}                                                                                          \
	static __always_inline bool family##_add_negative(value i, family##_t *v)                  \
	{                                                                                          \
		return family##_add_return(i, v) < 0;                                              \
	}                                                                                          \
	__ORDERS(__ATOMIC_SWAPS, family, value)                                                    \
	__ATOMIC_UNLESS(family, value, add_unless, (family##_t * v, value a, value u), c == u,     \
			c + a, bool, c != u)                                                       \
	__ATOMIC_UNLESS(family, value, inc_not_zero, (family##_t * v), c == 0, c + 1, bool,        \
			c != 0)                                                                    \
	__ATOMIC_UNLESS(family, value, inc_unless_negative, (family##_t * v), c < 0, c + 1, bool,  \
			c >= 0)                                                                    \
	__ATOMIC_UNLESS(family, value, dec_unless_positive, (family##_t * v), c > 0, c - 1, bool,  \
			c <= 0)                                                                    \
	__ATOMIC_UNLESS(family, value, dec_if_positive, (family##_t * v), c - 1 < 0, c - 1, value, \
			c - 1)

__ATOMIC_FAMILY(atomic, int)
__ATOMIC_FAMILY(atomic64, s64)
__ATOMIC_FAMILY(atomic_long, long)

/* The kernel's own generic code goes through these, which its checkers do not see. */
#define raw_atomic_read atomic_read
#define raw_atomic_set atomic_set
#define raw_atomic_cmpxchg atomic_cmpxchg
#define raw_atomic_try_cmpxchg atomic_try_cmpxchg
#define raw_atomic64_read atomic64_read
#define raw_atomic64_set atomic64_set
#define raw_atomic64_cmpxchg atomic64_cmpxchg
#define raw_atomic64_try_cmpxchg atomic64_try_cmpxchg
#define raw_atomic_long_read atomic_long_read
#define raw_atomic_long_set atomic_long_set
#define raw_atomic_long_cmpxchg atomic_long_cmpxchg
#define raw_atomic_long_try_cmpxchg atomic_long_try_cmpxchg

#endif
