/* SPDX-License-Identifier: MIT */
#ifndef _LINUX_LIMITS_H
#define _LINUX_LIMITS_H

/* The rest is the system's own, and the C library asks here for it. */
#include_next <linux/limits.h>

#define U8_MAX 0xff
#define U16_MAX 0xffff
#define U32_MAX 0xffffffffu
#define U64_MAX (~0ull)
#ifndef INT_MAX
#define INT_MAX 0x7fffffff
#define INT_MIN (-INT_MAX - 1)
#define UINT_MAX (~0u)
#define LONG_MAX 0x7fffffffffffffffl
#define ULONG_MAX (~0ul)
#endif

#endif
