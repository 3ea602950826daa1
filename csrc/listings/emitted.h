/* SPDX-License-Identifier: MIT */
/* Atomic operations, each a function of its own, for a look at what compilers make of them. */
#include <linux/types.h>

/* Always the value found, as cmpxchg returns it. */
u64 found(u64 *word, u64 old, u64 new)
{
	__atomic_compare_exchange_n(word, &old, new, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
	return old;
}

/* The verdict, as try_cmpxchg returns it. */
bool swapped(u64 *word, u64 old, u64 new)
{
	return __atomic_compare_exchange_n(word, &old, new, false, __ATOMIC_SEQ_CST,
					   __ATOMIC_RELAXED);
}

/* The verdict of the weak form, which may fail although the value is the expected one. */
bool weakly(u64 *word, u64 old, u64 new)
{
	return __atomic_compare_exchange_n(word, &old, new, true, __ATOMIC_SEQ_CST,
					   __ATOMIC_RELAXED);
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
