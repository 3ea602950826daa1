/* SPDX-License-Identifier: MIT */
#ifndef _LINUX_STRING_H
#define _LINUX_STRING_H

#include <stddef.h>

#ifdef CMPX_MACHINE
void *cmpx_memcpy(void *to, const void *from, size_t size);
void *cmpx_memset(void *to, int byte, size_t size);

#define memcpy(to, from, size) cmpx_memcpy((to), (from), (size))
#define memmove(to, from, size) cmpx_memcpy((to), (from), (size))
#define memset(to, byte, size) cmpx_memset((to), (byte), (size))
#else
#define memcpy(to, from, size) __builtin_memcpy((to), (from), (size))
#define memmove(to, from, size) __builtin_memmove((to), (from), (size))
#define memset(to, byte, size) __builtin_memset((to), (byte), (size))
#endif

#endif
