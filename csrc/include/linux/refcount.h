/* SPDX-License-Identifier: MIT */
/* The type and its ends; a listing prints the functions that count. */
#ifndef _LINUX_REFCOUNT_H
#define _LINUX_REFCOUNT_H

#include <linux/atomic.h>
#include <linux/bug.h>
#include <linux/limits.h>
#include <linux/refcount_types.h>

#define REFCOUNT_INIT(n) { .refs = ATOMIC_INIT(n) }
#define REFCOUNT_MAX INT_MAX
/* Half way between the overflow and zero: no number of late increments reaches either. */
#define REFCOUNT_SATURATED (INT_MIN / 2)

enum refcount_saturation_type {
	REFCOUNT_ADD_NOT_ZERO_OVF,
	REFCOUNT_ADD_OVF,
	REFCOUNT_ADD_UAF,
	REFCOUNT_SUB_UAF,
	REFCOUNT_DEC_LEAK,
};

static __always_inline void refcount_set(refcount_t *r, int n)
{
	atomic_set(&r->refs, n);
}

static __always_inline unsigned int refcount_read(const refcount_t *r)
{
	return atomic_read(&r->refs);
}

/* A count that went wrong stays where it can do no harm, and warns. */
static __always_inline void refcount_warn_saturate(refcount_t *r, enum refcount_saturation_type t)
{
	refcount_set(r, REFCOUNT_SATURATED);
	WARN_ON(t == REFCOUNT_ADD_NOT_ZERO_OVF);
	WARN_ON(t == REFCOUNT_ADD_OVF);
	WARN_ON(t == REFCOUNT_ADD_UAF);
	WARN_ON(t == REFCOUNT_SUB_UAF);
	WARN_ON(t == REFCOUNT_DEC_LEAK);
}

#endif
