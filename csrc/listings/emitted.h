/* SPDX-License-Identifier: MIT */
/* Atomic operations, for a look at what compilers make of them. */
#include <linux/types.h>

/* On success, on failure: as near to the kernel's as C comes. */
#define ORDER __ATOMIC_SEQ_CST, __ATOMIC_RELAXED

/* Always the value found, as cmpxchg returns it. */
u64 found(u64 *word, u64 old, u64 new)
{
	__atomic_compare_exchange_n(word, &old, new, false, ORDER);
	return old;
}

/* The verdict, as try_cmpxchg returns it. */
bool swapped(u64 *word, u64 old, u64 new)
{
	return __atomic_compare_exchange_n(word, &old, new, false, ORDER);
}

/* The verdict of the weak form: it may fail without cause. */
bool weakly(u64 *word, u64 old, u64 new)
{
	return __atomic_compare_exchange_n(word, &old, new, true, ORDER);
}

/* The value before, as xchg returns it. */
u64 exchanged(u64 *word, u64 new)
{
	return __atomic_exchange_n(word, new, __ATOMIC_SEQ_CST);
}

/* One more; the value before. */
u64 counted(u64 *word)
{
	return __atomic_fetch_add(word, 1, __ATOMIC_SEQ_CST);
}
