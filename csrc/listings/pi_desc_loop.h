/* SPDX-License-Identifier: MIT */
/*
 * Both sides of the posted-interrupt descriptor: the vCPU that redirects its notifications,
 * and the IOMMU that posts meanwhile. The book prints these functions and races this very text.
 */
#ifndef PI_DESC_LOOP_H
#define PI_DESC_LOOP_H

#include <asm/posted_intr.h>
#include <linux/atomic.h>

/*
 * Set NV and NDST and keep every other bit. Right because the CAS compares all 64 bits:
 * if a post set ON since the read, it fails, and the next turn starts from a fresh read.
 */
static __always_inline void pi_update(struct pi_desc *pi_desc, u8 nv, u32 ndst)
{
	struct pi_desc old, new;

	do {
		old.control = new.control = READ_ONCE(pi_desc->control);
		new.ndst = ndst;
		new.nv = nv;
	} while (cmpxchg64(&pi_desc->control, old.control, new.control) != old.control);
}

/*
 * The same, without the second read: a failed try leaves the value it saw in old.
 */
static __always_inline void pi_update_try(struct pi_desc *pi_desc, u8 nv, u32 ndst)
{
	struct pi_desc old, new;

	old.control = READ_ONCE(pi_desc->control);
	do {
		new.control = old.control;
		new.ndst = ndst;
		new.nv = nv;
	} while (!try_cmpxchg64(&pi_desc->control, &old.control, new.control));
}

/*
 * Wrong: a plain store in place of the CAS. An ON set since the read is written over.
 */
static __always_inline void pi_update_store(struct pi_desc *pi_desc, u8 nv, u32 ndst)
{
	struct pi_desc new;

	new.control = READ_ONCE(pi_desc->control);
	new.ndst = ndst;
	new.nv = nv;
	WRITE_ONCE(pi_desc->control, new.control);
}

/*
 * Wrong: new and old come from two reads. An ON set between them is in old but not in new,
 * so the CAS succeeds and erases it.
 */
static __always_inline void pi_update_split_load(struct pi_desc *pi_desc, u8 nv, u32 ndst)
{
	struct pi_desc old, new;

	do {
		new.control = READ_ONCE(pi_desc->control);
		old.control = READ_ONCE(pi_desc->control);
		new.ndst = ndst;
		new.nv = nv;
	} while (cmpxchg64(&pi_desc->control, old.control, new.control) != old.control);
}

/*
 * Wrong: a failed try refreshes old, but new was made from the first read. The next try
 * succeeds and erases the very change that made this one fail.
 */
static __always_inline void pi_update_stale(struct pi_desc *pi_desc, u8 nv, u32 ndst)
{
	struct pi_desc old, new;

	old.control = new.control = READ_ONCE(pi_desc->control);
	new.ndst = ndst;
	new.nv = nv;
	while (!try_cmpxchg64(&pi_desc->control, &old.control, new.control))
		;
}

/*
 * The vCPU is about to block: notifications must wake it. False if one is outstanding
 * already: then it must not sleep. Without ON it sleeps until a notification comes.
 */
static __always_inline bool pi_pre_block(struct pi_desc *pi_desc, u32 pre_pcpu)
{
	pi_update(pi_desc, POSTED_INTR_WAKEUP_VECTOR, pre_pcpu);
	return !pi_test_on(pi_desc);
}

/*
 * The vCPU runs again, perhaps on another CPU: notifications go to it directly.
 */
static __always_inline void pi_post_block(struct pi_desc *pi_desc, u32 dest)
{
	pi_update(pi_desc, POSTED_INTR_VECTOR, dest);
}

/*
 * Take the posted vectors, if ON says that there are any. ON is cleared before PIR is
 * read: a post that comes in between sets it again, so nothing is left behind unannounced.
 */
static __always_inline bool pi_harvest(struct pi_desc *pi_desc, u32 taken[8])
{
	int i;

	if (!pi_test_on(pi_desc))
		return false;
	pi_clear_on(pi_desc);
	smp_mb__after_atomic();
	for (i = 0; i < 8; i++)
		taken[i] = READ_ONCE(pi_desc->pir[i]) ? xchg(&pi_desc->pir[i], 0) : 0;
	return true;
}

/*
 * What became of a post: the vector was pending already; ON set, NV sent to NDST; ON was set
 * already; SN was set, so PIR only.
 */
#define POST_MERGED 1
#define POST_NOTIFIED 2
#define POST_COALESCED 4
#define POST_SUPPRESSED 8

/*
 * One post, in the two steps that a CPU needs: PIR first, then ON. The hardware swaps the
 * whole line at once. *control becomes the value that decided.
 */
static __always_inline int iommu_post(struct pi_desc *pi_desc, u8 vector, bool urgent, u64 *control)
{
	int merged = pi_test_and_set_pir(vector, pi_desc) ? POST_MERGED : 0;
	struct pi_desc old, new;

	old.control = READ_ONCE(pi_desc->control);
	do {
		*control = new.control = old.control;
		if (old.on)
			return merged | POST_COALESCED;
		if (old.sn && !urgent)
			return merged | POST_SUPPRESSED;
		new.on = 1;
	} while (!try_cmpxchg64(&pi_desc->control, &old.control, new.control));
	*control = new.control;
	return merged | POST_NOTIFIED;
}

#endif
