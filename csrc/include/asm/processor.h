/* SPDX-License-Identifier: MIT */
#ifndef _ASM_PROCESSOR_H
#define _ASM_PROCESSOR_H

/* Says "I am waiting"; no access to memory. */
static inline __attribute__((always_inline)) void cpu_relax(void)
{
#if !defined(CMPX_MACHINE) && defined(__x86_64__)
	__asm__ __volatile__("pause" : : : "memory");
#elif !defined(CMPX_MACHINE) && defined(__aarch64__)
	__asm__ __volatile__("yield" : : : "memory");
#else
	__asm__ __volatile__("" : : : "memory");
#endif
}

#endif
