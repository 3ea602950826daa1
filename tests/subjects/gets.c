/* SPDX-License-Identifier: MIT */
/* Three processes want a reference to what has one. */
#include <cmpx/listing.h>
#include <linux/atomic.h>

static atomic_t refs = ATOMIC_INIT(1);
static int got[3];

static bool get(void)
{
	int old = atomic_read(&refs);

	do {
		if (!old)
			return false;
	} while (!atomic_try_cmpxchg_relaxed(&refs, &old, old + 1));
	return true;
}

PROCESS(a)
{
	got[0] = get();
}

PROCESS(b)
{
	got[1] = get();
}

PROCESS(c)
{
	got[2] = get();
}

FINALLY
{
	EXPECT(got[0] && got[1] && got[2] && atomic_read(&refs) == 4, "a reference is not counted");
}
