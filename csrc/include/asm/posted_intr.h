/* SPDX-License-Identifier: MIT */
/* The posted-interrupt descriptor, as VT-d and the CPU see it: 64 bytes, one cache line. */
#ifndef _ASM_POSTED_INTR_H
#define _ASM_POSTED_INTR_H

#include <linux/bitops.h>

/* A running vCPU's notification; the CPU handles it without an exit. */
#define POSTED_INTR_VECTOR 0xf2
/* A blocked vCPU's: an ordinary host interrupt, whose handler wakes it. */
#define POSTED_INTR_WAKEUP_VECTOR 0xf1

/* Bits within control. */
#define POSTED_INTR_ON 0
#define POSTED_INTR_SN 1

struct pi_desc {
	u32 pir[8];
	union {
		struct {
			u16 on : 1, sn : 1, rsvd_1 : 14;
			u8 nv;
			u8 rsvd_2;
			u32 ndst;
		};
		u64 control;
	};
	u32 rsvd[6];
} __aligned(64);

static __always_inline bool pi_test_on(struct pi_desc *pi_desc)
{
	return test_bit(POSTED_INTR_ON, (unsigned long *)&pi_desc->control);
}

static __always_inline bool pi_test_sn(struct pi_desc *pi_desc)
{
	return test_bit(POSTED_INTR_SN, (unsigned long *)&pi_desc->control);
}

static __always_inline void pi_set_on(struct pi_desc *pi_desc)
{
	set_bit(POSTED_INTR_ON, (unsigned long *)&pi_desc->control);
}

static __always_inline void pi_clear_on(struct pi_desc *pi_desc)
{
	clear_bit(POSTED_INTR_ON, (unsigned long *)&pi_desc->control);
}

static __always_inline void pi_set_sn(struct pi_desc *pi_desc)
{
	set_bit(POSTED_INTR_SN, (unsigned long *)&pi_desc->control);
}

static __always_inline void pi_clear_sn(struct pi_desc *pi_desc)
{
	clear_bit(POSTED_INTR_SN, (unsigned long *)&pi_desc->control);
}

/* The old ON; false: the caller, a CPU that posts such as vmx_deliver_posted_interrupt(), is the
 * one to notify. */
static __always_inline bool pi_test_and_set_on(struct pi_desc *pi_desc)
{
	return test_and_set_bit(POSTED_INTR_ON, (unsigned long *)&pi_desc->control);
}

static __always_inline bool pi_test_and_clear_on(struct pi_desc *pi_desc)
{
	return test_and_clear_bit(POSTED_INTR_ON, (unsigned long *)&pi_desc->control);
}

/* True if the vector was pending already. */
static __always_inline bool pi_test_and_set_pir(int vector, struct pi_desc *pi_desc)
{
	return test_and_set_bit(vector, (unsigned long *)pi_desc->pir);
}

#endif
