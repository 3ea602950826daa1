/* SPDX-License-Identifier: MIT */
/* Threads that do one operation over and over, on one word or on a word each. */
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include <linux/compiler.h>

#include "engine.h"
#include "measure.h"

#define BATCH 256
#define BACKOFF_LEAST 64
#define BACKOFF_MOST 16384

/* The value is used, for all that the compiler knows. */
#define KEEP(value) __asm__ volatile("" : : "r"(value))

/* Of this thread: other programs that take its processor in between do not count. */
static u64 ran_ns(void)
{
	struct timespec ran;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ran);
	return (u64)ran.tv_sec * 1000000000 + ran.tv_nsec;
}

static void wait_until(u64 begin, u64 duration)
{
	while (ticks() - begin < duration)
		;
}

/* A linear congruential generator (Knuth's), its upper half: good enough to fall out of step. */
static u64 random_below(u64 *random, u64 limit)
{
	*random = *random * 6364136223846793005ULL + 1442695040888963407ULL;
	return (*random >> 32) * limit >> 32;
}

static __always_inline bool cas(volatile u64 *word, u64 old, u64 new)
{
	return __atomic_compare_exchange_n(word, &old, new, false, __ATOMIC_SEQ_CST,
					   __ATOMIC_RELAXED);
}

/* Keeps every increment: a new value goes in only where the old one it was made from stands. */
static __always_inline u64 increment(struct contention *contention, volatile u64 *word, u64 *random)
{
	u64 window = contention->window, limit = BACKOFF_LEAST, failures = 0;

	for (;;) {
		u64 old = LOAD(*word);

		if (window)
			wait_until(ordered_ticks(), window);
		if (likely(cas(word, old, old + 1)))
			return failures;
		failures++;
		if (contention->backoff) {
			/* by chance, or the losers would meet again */
			wait_until(ticks(), random_below(random, limit));
			limit = limit < BACKOFF_MOST ? 2 * limit : limit;
		}
	}
}

/* Loses increments, as x = x + 1 does. */
static __always_inline void add(struct contention *contention, volatile u64 *word)
{
	u64 old = LOAD(*word);

	if (contention->window)
		wait_until(ordered_ticks(), contention->window);
	STORE(*word, old + 1);
}

#define REPEAT(body)                                                                               \
	do {                                                                                       \
		for (i = 0; i < contention->batch; i++)                                            \
			body;                                                                      \
		batches++;                                                                         \
		if (contention->pause)                                                             \
			wait_until(ticks(), contention->pause / 2 +                                \
						    random_below(&random, contention->pause));     \
	} while (!LOAD(contention->stop))

static void *contender_run(void *arg)
{
	struct contender *me = arg;
	struct contention *contention = me->contention;
	volatile u64 *word = me->word;
	u64 random = (u64)(me - contention->contenders), batches = 0, failures = 0;
	u64 begin, busy;
	int i;

	__atomic_fetch_add(&contention->ready, 1, __ATOMIC_RELAXED);
	while (LOAD(contention->ready) < contention->threads && !LOAD(contention->stop))
		sched_yield();
	begin = monotonic_ns();
	busy = ran_ns();
	switch (contention->operation) {
	case OP_LOAD: REPEAT(KEEP(LOAD(*word))); break;
	case OP_STORE: REPEAT(STORE(*word, i)); break;
	case OP_ADD: REPEAT(add(contention, word)); break;
	case OP_XCHG: REPEAT(KEEP(__atomic_exchange_n(word, i, __ATOMIC_SEQ_CST))); break;
	case OP_FETCH_ADD:
		/* a value that nobody wants would make it a plain locked add */
		REPEAT(KEEP(__atomic_fetch_add(word, 1, __ATOMIC_SEQ_CST)));
		break;
	case OP_CMPXCHG: REPEAT(failures += increment(contention, word, &random)); break;
	case OP_FAILING_CMPXCHG: REPEAT(failures += !cas(word, ~0ULL, 1)); break;
	}
	me->ns = monotonic_ns() - begin;
	me->busy_ns = ran_ns() - busy;
	me->failures = failures;
	me->operations =
		contention->operation == OP_FAILING_CMPXCHG ? 0 : batches * contention->batch;
	return NULL;
}

struct contention *contention_new(int operation, int place, int threads, u64 window, u64 pause,
				  int backoff)
{
	struct contention *contention = aligned_alloc(APART, sizeof(*contention));
	int i;

	if (!contention)
		return NULL;
	memset(contention, 0, sizeof(*contention));
	contention->operation = operation;
	contention->threads = threads;
	contention->window = window;
	contention->pause = pause;
	contention->backoff = backoff;
	/* where a single operation may take long, each one looks at stop */
	contention->batch = window || pause || backoff || place == SPLIT ? 1 : BATCH;
	for (i = 0; i < threads; i++) {
		char *base = contention->words[place == SAME || place == NEIGHBOURS ? 0 : i];
		size_t offset = place == NEIGHBOURS ? i * sizeof(u64) :
				place == SPLIT	    ? LINE - sizeof(u64) / 2 :
						      0;

		contention->contenders[i].contention = contention;
		contention->contenders[i].word = (volatile u64 *)(base + offset);
	}
	return contention;
}

int contention_start(struct contention *contention)
{
	int err;

	contention->start = timebase_now();
	while (contention->running < contention->threads) {
		struct contender *contender = &contention->contenders[contention->running];

		err = start_thread(&contender->pthread, contender_run, contender);
		if (err) {
			contention_stop(contention);
			return err;
		}
		contention->running++;
	}
	return 0;
}

void contention_stop(struct contention *contention)
{
	STORE(contention->stop, 1);
	while (contention->running)
		pthread_join(contention->contenders[--contention->running].pthread, NULL);
	contention->ns_per_tick = ns_per_tick(contention->start);
}

void contention_free(struct contention *contention)
{
	free(contention);
}

void contention_counts(struct contention *contention, int thread, u64 counts[4])
{
	const struct contender *contender = &contention->contenders[thread];

	counts[0] = contender->operations;
	counts[1] = contender->failures;
	counts[2] = contender->ns;
	counts[3] = contender->busy_ns;
}

u64 contention_value(struct contention *contention)
{
	bool shared = contention->contenders[0].word == contention->contenders[1].word;
	u64 sum = 0;
	int i;

	for (i = 0; i < (shared ? 1 : contention->threads); i++)
		sum += *contention->contenders[i].word;
	return sum;
}
