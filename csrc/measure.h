/* SPDX-License-Identifier: MIT */
/* What one operation on a word costs while other threads are at it. */
#ifndef CMPX_MEASURE_H
#define CMPX_MEASURE_H

#include <pthread.h>
#include <stdbool.h>

#include "clock.h"

#define MAX_CONTENDERS 64
#define LINE 64
#define WORDS_PER_LINE (LINE / (int)sizeof(u64))
/* Processors fetch neighbouring lines in pairs and more: whoever is to be apart keeps away. */
#define APART 256

enum contended { OP_LOAD, OP_STORE, OP_ADD, OP_XCHG, OP_FETCH_ADD, OP_CMPXCHG, OP_FAILING_CMPXCHG };
enum place { SAME, NEIGHBOURS, SEPARATE, SPLIT };

struct contender {
	struct contention *contention;
	volatile u64 *word;
	u64 operations, failures, ns, busy_ns; /* valid once it has ended */
	pthread_t pthread;
} __attribute__((aligned(APART)));

struct contention {
	enum contended operation;
	int threads;
	u64 window; /* ticks between the read and the write */
	u64 pause; /* ticks between operations, on average */
	bool backoff;
	int batch; /* operations from one look at stop to the next */
	int running;
	double ns_per_tick;
	struct timebase start;
	/* written once or twice while they run */
	int ready __attribute__((aligned(APART)));
	int stop;
	struct contender contenders[MAX_CONTENDERS];
	char words[MAX_CONTENDERS][APART] __attribute__((aligned(APART)));
};

/* NULL without memory. */
struct contention *contention_new(int operation, int place, int threads, u64 window, u64 pause,
				  int backoff);
/* Returns 0 or an errno; then no thread runs. */
int contention_start(struct contention *contention);
void contention_stop(struct contention *contention);
void contention_free(struct contention *contention);
/* Of one thread: operations, failed attempts, nanoseconds that passed, and that it ran. */
void contention_counts(struct contention *contention, int thread, u64 counts[4]);
/* The sum of all words. */
u64 contention_value(struct contention *contention);

#endif
