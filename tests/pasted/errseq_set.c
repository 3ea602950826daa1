/* SPDX-License-Identifier: MIT */
/*
 * note_error stands for errseq_set.
 * Two errors come after the first was seen: one of them counts up.
 */
#include <cmpx/listing.h>
#include <linux/atomic.h>
#include <linux/bug.h>
#include <linux/err.h>
#include <linux/errseq.h>
#include <linux/export.h>
#include <linux/log2.h>

/* text */
#define ERRSEQ_SEEN (1 << ilog2(MAX_ERRNO + 1))
#define ERRSEQ_CTR_INC (2 * ERRSEQ_SEEN)

errseq_t note_error(errseq_t *word, int error)
{
	errseq_t before = READ_ONCE(*word), found;

	BUILD_BUG_ON_NOT_POWER_OF_2(ERRSEQ_SEEN);
	if (WARN(unlikely(error == 0 || (unsigned int)-error > MAX_ERRNO), "error %d\n", error))
		return before;
	do {
		errseq_t after = (before & ~(ERRSEQ_SEEN | MAX_ERRNO)) | -error;

		if (before & ERRSEQ_SEEN)
			after += ERRSEQ_CTR_INC;
		if (after == before)
			return after;
		found = before;
		before = cmpxchg(word, found, after);
		if (likely(before == after))
			break;
	} while (before != found);
	return before;
}
EXPORT_SYMBOL(note_error);
/* end of text */

#define START (ERRSEQ_CTR_INC | ERRSEQ_SEEN | EIO)

static errseq_t word = START, by_a, by_b;

PROCESS(a)
{
	by_a = note_error(&word, -ENOSPC);
}

PROCESS(b)
{
	by_b = note_error(&word, -EDQUOT);
}

FINALLY
{
	EXPECT((by_a == START) + (by_b == START) == 1, "both believe that they came first");
	EXPECT(word == (2 * ERRSEQ_CTR_INC | (by_a == START ? EDQUOT : ENOSPC)), "the last one is lost");
}
