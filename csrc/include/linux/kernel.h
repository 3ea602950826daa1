/* SPDX-License-Identifier: MIT */
#ifndef _LINUX_KERNEL_H
#define _LINUX_KERNEL_H

#include <linux/atomic.h>
#include <linux/bitops.h>
#include <linux/bug.h>
#include <linux/container_of.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/limits.h>
#include <linux/log2.h>
#include <linux/printk.h>
#include <linux/types.h>

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#define DIV_ROUND_UP(n, d) (((n) + (d) - 1) / (d))
#define min(a, b)                                                                                  \
	({                                                                                         \
		__typeof__(a) __a = (a);                                                           \
		__typeof__(b) __b = (b);                                                           \
		__a < __b ? __a : __b;                                                             \
	})
#define max(a, b)                                                                                  \
	({                                                                                         \
		__typeof__(a) __a = (a);                                                           \
		__typeof__(b) __b = (b);                                                           \
		__a > __b ? __a : __b;                                                             \
	})
#define swap(a, b)                                                                                 \
	do {                                                                                       \
		__typeof__(a) __kept = (a);                                                        \
		(a) = (b);                                                                         \
		(b) = __kept;                                                                      \
	} while (0)

#endif
