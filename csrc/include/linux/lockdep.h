/* SPDX-License-Identifier: MIT */
#ifndef _LINUX_LOCKDEP_H
#define _LINUX_LOCKDEP_H

/* Annotations for the kernel's lock checker. */
#define lockdep_assert_held(lock) ((void)(lock))
#define lockdep_assert_irqs_disabled() ((void)0)
#define lockdep_assert_preemption_disabled() ((void)0)
#define might_sleep() ((void)0)

#endif
