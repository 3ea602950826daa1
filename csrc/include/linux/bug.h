/* SPDX-License-Identifier: MIT */
#ifndef _LINUX_BUG_H
#define _LINUX_BUG_H

#include <linux/build_bug.h>
#include <linux/compiler.h>
#include <stdbool.h>

void cmpx_warn(const char *condition);

/* A warning that fires is a finding and ends the run; where nobody looks on, it is the value of its
 * condition. */
#define __WARN(condition, text)                                                                    \
	({                                                                                         \
		bool __warns = !!(condition);                                                      \
		if (unlikely(__warns))                                                             \
			cmpx_warn(text);                                                           \
		unlikely(__warns);                                                                 \
	})
#define WARN_ON(condition) __WARN(condition, #condition)
#define WARN_ON_ONCE(condition) __WARN(condition, #condition)
#define WARN(condition, ...) __WARN(condition, #condition)
#define WARN_ONCE(condition, ...) __WARN(condition, #condition)
#define VM_WARN_ON_ONCE(condition) __WARN(condition, #condition)

/* Nothing goes on behind a BUG. */
#define BUG_ON(condition)                                                                          \
	do {                                                                                       \
		if (__WARN(condition, #condition))                                                 \
			__builtin_trap();                                                          \
	} while (0)
#define BUG() BUG_ON(true)

#endif
