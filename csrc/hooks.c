/* SPDX-License-Identifier: MIT */
/*
 * What -fsanitize=thread calls before each access, and what it turns each __atomic builtin into.
 * Every hook is one scheduling point. The plain ones return and let the compiled code touch memory;
 * the atomic ones do the whole operation, in plain C, because nobody else runs until the next hook.
 */
#include <string.h>

#include "coroutine.h"

#define PC __builtin_return_address(0)

void __tsan_init(void)
{
}
void __tsan_func_entry(void *pc)
{
	(void)pc;
}
void __tsan_func_exit(void)
{
}

#define PLAIN(suffix, bytes, act, volatile_)                                                       \
	void __tsan_##suffix(void *address)                                                        \
	{                                                                                          \
		machine_access(address, bytes, act, volatile_, 0, 0, PC);                          \
	}
#define PLAIN_BOTH(prefix, bytes, volatile_)                                                       \
	PLAIN(prefix##read##bytes, bytes, READ, volatile_)                                         \
	PLAIN(prefix##write##bytes, bytes, WRITE, volatile_)

/* clang-format off: it takes these for the heads of functions */
PLAIN_BOTH(, 1, 0)
PLAIN_BOTH(, 2, 0)
PLAIN_BOTH(, 4, 0)
PLAIN_BOTH(, 8, 0)
PLAIN_BOTH(, 16, 0)
PLAIN_BOTH(unaligned_, 2, 0)
PLAIN_BOTH(unaligned_, 4, 0)
PLAIN_BOTH(unaligned_, 8, 0)
PLAIN_BOTH(unaligned_, 16, 0)
PLAIN_BOTH(volatile_, 1, 1)
PLAIN_BOTH(volatile_, 2, 1)
PLAIN_BOTH(volatile_, 4, 1)
PLAIN_BOTH(volatile_, 8, 1)
PLAIN_BOTH(volatile_, 16, 1)
PLAIN_BOTH(unaligned_volatile_, 2, 1)
PLAIN_BOTH(unaligned_volatile_, 4, 1)
PLAIN_BOTH(unaligned_volatile_, 8, 1)
PLAIN_BOTH(unaligned_volatile_, 16, 1)
/* clang-format on */

void __tsan_read_range(void *address, size_t size)
{
	machine_access(address, size, READ, 0, 0, 0, PC);
}

void __tsan_write_range(void *address, size_t size)
{
	machine_access(address, size, WRITE, 0, 0, 0, PC);
}

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

/*
 * linux/string.h leads here, and so do the calls that clang emits without a hook. Word by word, as
 * processors do it; from the back where the front would overwrite what is still to be read.
 */
void *cmpx_memcpy(void *to, const void *from, size_t size)
{
	bool back = (u64)to - (u64)from < size;
	size_t left, word, at;

	for (left = size; left; left -= word) {
		u64 value = 0;

		at = back ? left : size - left;
		word = ((u64)to + at) & 7;
		word = smaller(left, back && word ? word : 8 - word);
		at -= back ? word : 0;
		machine_access((u8 *)from + at, word, READ, 0, 0, 0, PC);
		memcpy(&value, (u8 *)from + at, word);
		machine_access((u8 *)to + at, word, WRITE, 0, 0, 0, PC);
		memcpy((u8 *)to + at, &value, word);
	}
	return to;
}

void *cmpx_memset(void *to, int byte, size_t size)
{
	u8 *at = to, *end = at + size;
	size_t word;

	for (; at < end; at += word) {
		word = smaller(end - at, 8 - ((u64)at & 7));
		machine_access(at, word, WRITE, 0, 0, 0, PC);
		memset(at, byte, word);
	}
	return to;
}

void *__wrap_memcpy(void *, const void *, size_t) __attribute__((alias("cmpx_memcpy")));
void *__wrap_memmove(void *, const void *, size_t) __attribute__((alias("cmpx_memcpy")));
void *__wrap_memset(void *, int, size_t) __attribute__((alias("cmpx_memset")));
/* What newer clangs call it. */
void *__tsan_memcpy(void *, const void *, size_t) __attribute__((alias("cmpx_memcpy")));
void *__tsan_memmove(void *, const void *, size_t) __attribute__((alias("cmpx_memcpy")));
void *__tsan_memset(void *, int, size_t) __attribute__((alias("cmpx_memset")));

/* On x86 every locked instruction is a full fence, so an order matters to loads and stores only. */
#define MODIFYING(bits, name, sign, result)                                                        \
	u##bits##_t __tsan_atomic##bits##_##name(volatile u##bits##_t *address,                    \
						 u##bits##_t operand, int order)                   \
	{                                                                                          \
		u##bits##_t old;                                                                   \
                                                                                                   \
		machine_access((void *)address, bits / 8, MODIFY, 1 + order, operand, sign, PC);   \
		old = *address;                                                                    \
		*address = result;                                                                 \
		return old;                                                                        \
	}

#define SWAPPING(bits, name)                                                                       \
	int __tsan_atomic##bits##_compare_exchange_##name(                                         \
		volatile u##bits##_t *address, u##bits##_t *expected, u##bits##_t desired,         \
		int order, int fail_order)                                                         \
	{                                                                                          \
		u##bits##_t old;                                                                   \
                                                                                                   \
		(void)fail_order;                                                                  \
		machine_access((void *)address, bits / 8, SWAP, 1 + order, desired, *expected,     \
			       PC);                                                                \
		old = *address;                                                                    \
		if (old == *expected) {                                                            \
			*address = desired;                                                        \
			return 1;                                                                  \
		}                                                                                  \
		*expected = old;                                                                   \
		return 0;                                                                          \
	}

#define ATOMICS(bits)                                                                              \
	u##bits##_t __tsan_atomic##bits##_load(const volatile u##bits##_t *address, int order)     \
	{                                                                                          \
		machine_access((void *)address, bits / 8, READ, 1 + order, 0, 0, PC);              \
		return *address;                                                                   \
	}                                                                                          \
	void __tsan_atomic##bits##_store(volatile u##bits##_t *address, u##bits##_t value,         \
					 int order)                                                \
	{                                                                                          \
		bool full = order == __ATOMIC_SEQ_CST;                                             \
                                                                                                   \
		machine_access((void *)address, bits / 8, full ? MODIFY : WRITE, 1 + order, value, \
			       full ? '=' : 0, PC);                                                \
		*address = value;                                                                  \
	}                                                                                          \
	MODIFYING(bits, exchange, '=', operand)                                                    \
	MODIFYING(bits, fetch_add, '+', old + operand)                                             \
	MODIFYING(bits, fetch_sub, '-', old - operand)                                             \
	MODIFYING(bits, fetch_and, '&', old &operand)                                              \
	MODIFYING(bits, fetch_or, '|', old | operand)                                              \
	MODIFYING(bits, fetch_xor, '^', old ^ operand)                                             \
	MODIFYING(bits, fetch_nand, '~', ~(old & operand))                                         \
	SWAPPING(bits, strong)                                                                     \
	SWAPPING(bits, weak)                                                                       \
	u##bits##_t __tsan_atomic##bits##_compare_exchange_val(                                    \
		volatile u##bits##_t *address, u##bits##_t expected, u##bits##_t desired,          \
		int order, int fail_order)                                                         \
	{                                                                                          \
		u##bits##_t old;                                                                   \
                                                                                                   \
		(void)fail_order;                                                                  \
		machine_access((void *)address, bits / 8, SWAP, 1 + order, desired, expected, PC); \
		old = *address;                                                                    \
		if (old == expected)                                                               \
			*address = desired;                                                        \
		return old;                                                                        \
	}

typedef uint8_t u8_t;
typedef uint16_t u16_t;
typedef uint32_t u32_t;
typedef uint64_t u64_t;

/* clang-format off */
ATOMICS(8)
ATOMICS(16)
ATOMICS(32)
ATOMICS(64)
/* clang-format on */

void __tsan_atomic_thread_fence(int order)
{
	if (machine_fences || (machine_tso && order == __ATOMIC_SEQ_CST))
		machine_access(NULL, 0, FENCE, 1 + order, 0, 0, PC);
}

void __tsan_atomic_signal_fence(int order)
{
	(void)order;
}

/* In every basic block: stops a loop that touches nothing, and knows how deep the stack goes. */
void __sanitizer_cov_trace_pc(void)
{
	u8 *here = __builtin_frame_address(0);

	if (here < lowest)
		lowest = here;
	if (++blocks > BLOCKS_MAX)
		machine_fail(ENDLESS, PC, NULL, 0);
}
