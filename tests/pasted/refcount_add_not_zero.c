/* SPDX-License-Identifier: MIT */
/*
 * get_unless_dead stands for __refcount_add_not_zero.
 * The last reference goes while two others want one.
 */
#include <cmpx/listing.h>
#include <linux/refcount.h>

/* text */
static inline __must_check bool get_unless_dead(int n, refcount_t *count, int *before)
{
	int seen = refcount_read(count);

	while (seen != 0)
		if (atomic_try_cmpxchg_relaxed(&count->refs, &seen, seen + n))
			break;
	if (before)
		*before = seen;
	if (unlikely(seen < 0 || seen + n < 0))
		refcount_warn_saturate(count, REFCOUNT_ADD_NOT_ZERO_OVF);
	return seen != 0;
}
/* end of text */

static refcount_t refs = REFCOUNT_INIT(1);
static int got_a, got_b, freed;

PROCESS(a)
{
	int before = -1;

	got_a = get_unless_dead(1, &refs, &before);
	EXPECT(got_a ? before > 0 : before == 0, "a count that never was");
}

PROCESS(b)
{
	got_b = get_unless_dead(1, &refs, NULL);
}

PROCESS(putter)
{
	freed = atomic_dec_and_test(&refs.refs);
}

FINALLY
{
	EXPECT(freed == !(got_a || got_b), "a reference to what is freed, or nobody frees it");
	EXPECT(refcount_read(&refs) == (unsigned int)(got_a + got_b), "the count is wrong");
}
