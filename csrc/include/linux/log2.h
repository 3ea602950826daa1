/* SPDX-License-Identifier: MIT */
#ifndef _LINUX_LOG2_H
#define _LINUX_LOG2_H

/* Of a constant, a constant. */
#define ilog2(n) (8 * (int)sizeof(long long) - 1 - __builtin_clzll(n))
#define is_power_of_2(n) ((n) != 0 && ((n) & ((n) - 1)) == 0)

#endif
