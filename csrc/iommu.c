/* SPDX-License-Identifier: MIT */
/* A thread that posts into a pi_desc, at a rate or flat out. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "engine.h"

#define READ_ONCE(x) LOAD(x)
#include "listings/pi_desc_loop.h"

/* Python's signals are for Python's threads. */
int start_thread(pthread_t *pthread, void *(*run)(void *), void *arg)
{
	sigset_t all, before;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(pthread, NULL, run, arg);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return err;
}

void log_event(struct log *log, const struct event *event)
{
	u64 count = LOAD(log->count);
	struct event *slot = &log->ring[count % MAX_EVENTS];

	/* a reader that sees any of this slot sees the count before it */
	__atomic_thread_fence(__ATOMIC_RELEASE);
	STORE(slot->thread, event->thread);
	STORE(slot->kind, event->kind);
	STORE(slot->begin, event->begin);
	STORE(slot->end, event->end);
	STORE(slot->old, event->old);
	STORE(slot->new, event->new);
	STORE(slot->seen, event->seen);
	__atomic_store_n(&log->count, count + 1, __ATOMIC_RELEASE);
}

int log_read(struct log *log, struct event *out, int n)
{
	u64 end = __atomic_load_n(&log->count, __ATOMIC_ACQUIRE);
	u64 first = end > (u64)n ? end - n : 0;
	u64 safe, i;

	for (i = first; i < end; i++) {
		const struct event *slot = &log->ring[i % MAX_EVENTS];

		out[i - first] = (struct event){
			LOAD(slot->thread), LOAD(slot->kind), LOAD(slot->begin), LOAD(slot->end),
			LOAD(slot->old),    LOAD(slot->new),  LOAD(slot->seen),
		};
	}
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	/* the writer has moved on meanwhile, and is inside the slot after its count */
	safe = LOAD(log->count) + 1;
	safe = safe > MAX_EVENTS ? safe - MAX_EVENTS : 0;
	if (safe > end)
		safe = end;
	if (safe > first) {
		memmove(out, out + (safe - first), (end - safe) * sizeof(*out));
		first = safe;
	}
	return end - first;
}

/* xorshift64*: Marsaglia 2003, Vigna 2016. The state must not be 0. */
static u64 random_u64(u64 *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545F4914F6CDD1DULL;
}

struct poster *poster_new(void *pi_desc, u64 seed)
{
	struct poster *poster = calloc(1, sizeof(*poster));

	if (!poster)
		return NULL;
	poster->pi_desc = pi_desc;
	poster->thread = 1;
	poster->last = &poster->notified;
	poster->seed = (seed + 1) * 0x9E3779B97F4A7C15ULL | 1;
	return poster;
}

int poster_post(struct poster *poster, int vector, int urgent)
{
	u64 begin = LOAD(poster->stamp) ? ordered_ticks() : 0;
	u64 control;
	int result = iommu_post(poster->pi_desc, vector, urgent, &control);

	if (result & POST_NOTIFIED) {
		if (poster->on_sets)
			__atomic_fetch_add(poster->on_sets, 1, __ATOMIC_RELEASE);
		ADD(poster->notifications, 1);
		STORE(*poster->last, control);
	}
	ADD(poster->posts, 1);
	ADD(poster->merged, !!(result & POST_MERGED));
	ADD(poster->coalesced, !!(result & POST_COALESCED));
	ADD(poster->suppressed, !!(result & POST_SUPPRESSED));
	if (begin) {
		struct event event = {
			.thread = poster->thread,
			.kind = result & POST_NOTIFIED ? POST : COALESCED,
			.begin = begin,
			.end = ordered_ticks(),
			.old = result & POST_NOTIFIED ? control & ~1ULL : control,
			.new = control,
			.seen = vector,
		};
		log_event(result & POST_NOTIFIED ? &poster->collisions : &poster->log, &event);
	}
	return result;
}

/*
 * Sleeps while the next post is far, spins when it is near; a new rate counts at once.
 * Returns when it was due, or now if that is long past: lost time is not made up for.
 */
static u64 wait_for_turn(struct poster *poster, u64 last, u32 jitter)
{
	u64 period, due, now;

	while (!LOAD(poster->stop)) {
		if (poster->hold && LOAD(*poster->hold)) {
			cpu_relax();
			continue;
		}
		period = LOAD(poster->period_ns);
		if (!period)
			return 0;
		/* half to one and a half periods: the posts must not fall into step with the loop
		 */
		due = last + period / 2 + (u64)((double)period * jitter / 4294967296.0);
		now = monotonic_ns();
		if (now >= due)
			return now - due < period ? due : now;
		if (due - now > 300000) {
			u64 nap = due - now - 200000;
			struct timespec sleep = { 0, nap < 10000000 ? nap : 10000000 };

			clock_nanosleep(CLOCK_MONOTONIC, 0, &sleep, NULL);
		} else {
			cpu_relax();
		}
	}
	return 0;
}

static void *poster_run(void *arg)
{
	struct poster *poster = arg;
	u64 state = (poster->seed + LOAD(poster->posts)) | 1;
	u64 last = monotonic_ns();
	u64 nr = 0;

	while (!LOAD(poster->stop)) {
		u64 random = random_u64(&state);
		int vector = poster->nr_vectors ? poster->vectors[nr++ % poster->nr_vectors] :
						  (int)(0x20 + (random >> 40) % 0xe0);

		last = wait_for_turn(poster, last, (u32)random);
		if (!LOAD(poster->stop))
			poster_post(poster, vector, LOAD(poster->urgent));
	}
	return NULL;
}

int poster_start(struct poster *poster)
{
	int err;

	STORE(poster->stop, 0);
	err = start_thread(&poster->pthread, poster_run, poster);
	poster->running = !err;
	return err;
}

void poster_stop(struct poster *poster)
{
	STORE(poster->stop, 1);
	if (poster->running)
		pthread_join(poster->pthread, NULL);
	poster->running = 0;
}

void poster_free(struct poster *poster)
{
	free(poster);
}
