/* SPDX-License-Identifier: MIT */
#ifndef _LINUX_ERRNO_H
#define _LINUX_ERRNO_H

/* The numbers are the system's own, and the C library asks here for them. */
#include_next <linux/errno.h>

#define MAX_ERRNO 4095

#endif
