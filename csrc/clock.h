/* SPDX-License-Identifier: MIT */
/* A cheap clock to stamp events with, and its translation to nanoseconds. */
#ifndef CMPX_CLOCK_H
#define CMPX_CLOCK_H

#include <time.h>

#include <asm/processor.h>
#include <linux/types.h>

static inline u64 monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (u64)now.tv_sec * 1000000000 + now.tv_nsec;
}

#if defined(__x86_64__)
static inline u64 ticks(void)
{
	return __builtin_ia32_rdtsc();
}

/* Neither earlier nor later accesses cross the stamp. */
static inline u64 ordered_ticks(void)
{
	u64 now;

	__builtin_ia32_lfence();
	now = __builtin_ia32_rdtsc();
	__builtin_ia32_lfence();
	return now;
}
#else
static inline u64 ticks(void)
{
	return monotonic_ns();
}

static inline u64 ordered_ticks(void)
{
	u64 now;

	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	now = monotonic_ns();
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return now;
}
#endif

/* Two readings of both clocks make a scale; it sharpens as the second one moves on. */
struct timebase {
	u64 ticks;
	u64 ns;
};

static inline struct timebase timebase_now(void)
{
	return (struct timebase){ ticks(), monotonic_ns() };
}

static inline double ns_per_tick(struct timebase start)
{
	struct timebase now = timebase_now();

	return now.ticks > start.ticks ? (double)(now.ns - start.ns) / (now.ticks - start.ticks) :
					 1;
}

#endif
