/* SPDX-License-Identifier: MIT */
#ifndef _LINUX_PREEMPT_H
#define _LINUX_PREEMPT_H

#include <linux/compiler.h>

/* One processor a process, and no interrupts: nothing to switch off. */
#define preempt_disable() barrier()
#define preempt_enable() barrier()
#define local_irq_disable() barrier()
#define local_irq_enable() barrier()
#define local_irq_save(flags) ((void)((flags) = 0))
#define local_irq_restore(flags) ((void)(flags))

#endif
