/* SPDX-License-Identifier: MIT */
#ifndef _LINUX_PRINTK_H
#define _LINUX_PRINTK_H

/* Checked by the compiler, printed by nobody. */
static inline __attribute__((format(printf, 1, 2), always_inline)) int printk(const char *format,
									      ...)
{
	(void)format;
	return 0;
}

#define KERN_ERR ""
#define KERN_WARNING ""
#define KERN_INFO ""
#define pr_err(...) printk(__VA_ARGS__)
#define pr_warn(...) printk(__VA_ARGS__)
#define pr_info(...) printk(__VA_ARGS__)
#define pr_debug(...) printk(__VA_ARGS__)

#endif
