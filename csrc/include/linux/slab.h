/* SPDX-License-Identifier: MIT */
#ifndef _LINUX_SLAB_H
#define _LINUX_SLAB_H

#include <linux/types.h>

#define GFP_KERNEL 0u
#define GFP_ATOMIC 1u
#define GFP_NOWAIT 2u

void *cmpx_alloc(size_t size, bool zero);
void cmpx_free(const void *ptr);

/* From a small arena: never NULL, not zeroed, and what was freed stays poisoned. */
#define kmalloc(size, flags) ((void)(flags), cmpx_alloc((size), false))
#define kzalloc(size, flags) ((void)(flags), cmpx_alloc((size), true))
#define kcalloc(n, size, flags) kzalloc((n) * (size), (flags))
#define kfree(ptr) cmpx_free(ptr)

#endif
