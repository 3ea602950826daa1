/* SPDX-License-Identifier: MIT */
#ifndef _LINUX_PERCPU_H
#define _LINUX_PERCPU_H

#include <linux/compiler.h>

#ifndef NR_CPUS
#define NR_CPUS 8
#endif
#define DEFINE_PER_CPU(type, name) __typeof__(type) name[NR_CPUS]
#define DECLARE_PER_CPU(type, name) extern __typeof__(type) name[NR_CPUS]
#define per_cpu(name, cpu) (name)[cpu]
#define per_cpu_ptr(ptr, cpu) (&(*(ptr))[cpu])

#endif
