/* SPDX-License-Identifier: MIT */
/*
 * cmpxchg, its try form and xchg on a place of 1, 2, 4 or 8 bytes that is known
 * only at run time: the kernel's `switch (sizeof(*ptr))` with the size as an
 * argument. Values travel as u64 and are cut to the size of the place.
 */
#ifndef CMPX_CMPXCHG_H
#define CMPX_CMPXCHG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CMPX_INLINE static inline __attribute__((always_inline))

enum cmpx_order { CMPX_FULL, CMPX_RELAXED, CMPX_ACQUIRE, CMPX_RELEASE };

#define CMPX_BY_SIZE(size, op)                                                                     \
	switch (size) {                                                                            \
	case 1: op(uint8_t); break;                                                                \
	case 2: op(uint16_t); break;                                                               \
	case 4: op(uint32_t); break;                                                               \
	case 8: op(uint64_t); break;                                                               \
	default: __builtin_trap();                                                                 \
	}

/* "full" orders what comes after as well; a LOCKed x86 instruction does so by itself. */
CMPX_INLINE void cmpx_after_full(void)
{
#ifndef __x86_64__
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
#endif
}

/* Marked load (READ_ONCE): one access, no order. */
CMPX_INLINE uint64_t cmpx_read(const void *ptr, size_t size)
{
	uint64_t value;

#define CMPX_OP(type) value = __atomic_load_n((const type *)ptr, __ATOMIC_RELAXED)
	CMPX_BY_SIZE(size, CMPX_OP)
#undef CMPX_OP
	return value;
}

/* Marked store (WRITE_ONCE): one access, no order. */
CMPX_INLINE void cmpx_write(void *ptr, uint64_t value, size_t size){
#define CMPX_OP(type) __atomic_store_n((type *)ptr, (type)value, __ATOMIC_RELAXED)
	CMPX_BY_SIZE(size, CMPX_OP)
#undef CMPX_OP
}

#define CMPX_CAS(type, order)                                                                      \
	do {                                                                                       \
		type expected = (type) * old;                                                      \
		ok = __atomic_compare_exchange_n((type *)ptr, &expected, (type)new, false, order,  \
						 __ATOMIC_RELAXED);                                \
		*old = expected;                                                                   \
	} while (0)

/*
 * Strong compare-and-exchange: true when *ptr held *old and now holds new. *old is
 * always the value seen, so one load serves the verdict and the next attempt. A
 * failure orders nothing, whatever the order asked for.
 */
CMPX_INLINE bool cmpx_try_cmpxchg(void *ptr, uint64_t *old, uint64_t new, size_t size,
				  enum cmpx_order order)
{
	bool ok;

#define CMPX_OP(type)                                                                              \
	switch (order) {                                                                           \
	case CMPX_FULL: CMPX_CAS(type, __ATOMIC_SEQ_CST); break;                                   \
	case CMPX_RELAXED: CMPX_CAS(type, __ATOMIC_RELAXED); break;                                \
	case CMPX_ACQUIRE: CMPX_CAS(type, __ATOMIC_ACQUIRE); break;                                \
	case CMPX_RELEASE: CMPX_CAS(type, __ATOMIC_RELEASE); break;                                \
	default: __builtin_trap();                                                                 \
	}
	CMPX_BY_SIZE(size, CMPX_OP)
#undef CMPX_OP
	if (ok && order == CMPX_FULL)
		cmpx_after_full();
	return ok;
}

/* The value found, always; the exchange took place if it equals old. */
CMPX_INLINE uint64_t cmpx_cmpxchg(void *ptr, uint64_t old, uint64_t new, size_t size,
				  enum cmpx_order order)
{
	cmpx_try_cmpxchg(ptr, &old, new, size, order);
	return old;
}

/* Store new whatever is there, and return what was there: no store falls between. */
CMPX_INLINE uint64_t cmpx_xchg(void *ptr, uint64_t new, size_t size)
{
	uint64_t old;

#define CMPX_OP(type) old = __atomic_exchange_n((type *)ptr, (type)new, __ATOMIC_SEQ_CST)
	CMPX_BY_SIZE(size, CMPX_OP)
#undef CMPX_OP
	cmpx_after_full();
	return old;
}

#ifdef __x86_64__
#define CMPX_LOCK_CMPXCHG(type, suffix)                                                            \
	do {                                                                                       \
		type found = (type) * old;                                                         \
		__asm__ volatile("lock cmpxchg" suffix " %[new], %[place]"                         \
				 : "=@ccz"(ok), [place] "+m"(*(type *)ptr), "+a"(found)            \
				 : [new] "q"((type)new)                                            \
				 : "memory");                                                      \
		*old = found;                                                                      \
	} while (0)

/*
 * The instruction itself: it compares with the accumulator, leaves the value seen
 * there, and its verdict in ZF. Written by hand as the oracle for the builtins.
 */
CMPX_INLINE bool cmpx_asm_try_cmpxchg(void *ptr, uint64_t *old, uint64_t new, size_t size)
{
	bool ok;

	switch (size) {
	case 1: CMPX_LOCK_CMPXCHG(uint8_t, "b"); break;
	case 2: CMPX_LOCK_CMPXCHG(uint16_t, "w"); break;
	case 4: CMPX_LOCK_CMPXCHG(uint32_t, "l"); break;
	case 8: CMPX_LOCK_CMPXCHG(uint64_t, "q"); break;
	default: __builtin_trap();
	}
	return ok;
}
#endif

#endif
