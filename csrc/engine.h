/* SPDX-License-Identifier: MIT */
/*
 * The native side of Iommu and race(): posting threads, the vCPU's thread, their counts and
 * event logs. Each number has one writer; readers may look at any time.
 */
#ifndef CMPX_ENGINE_H
#define CMPX_ENGINE_H

#include <pthread.h>

#include "clock.h"

/*
 * The kernel's volatile accesses compile to these instructions; ThreadSanitizer only
 * understands these.
 */
#define LOAD(x) __atomic_load_n(&(x), __ATOMIC_RELAXED)
#define STORE(x, val) __atomic_store_n(&(x), (val), __ATOMIC_RELAXED)
/* For a number with one writer. */
#define ADD(x, n) STORE(x, LOAD(x) + (n))

#define MAX_POSTERS 8
#define MAX_EVENTS 16384
#define MAX_RETRIES 8
#define MAX_WAKES 1024

enum kind { UPDATE, FAILED, RETRY, STORED, DAMAGE, POST, COALESCED };

/* begin and end in ticks in the log, in ns since the start when read; begin 0: not stamped. */
struct event {
	u64 thread; /* 0 the vCPU, 1 the IOMMU, 2 and up other CPUs */
	u64 kind;
	u64 begin;
	u64 end;
	u64 old; /* control as read */
	u64 new; /* control as written or meant to be */
	u64 seen; /* control as the CAS found it */
};

/* The last MAX_EVENTS events of one thread. */
struct log {
	u64 count;
	struct event ring[MAX_EVENTS];
};

void log_event(struct log *log, const struct event *event);
/* Copies the last n events that are whole, oldest first; returns how many. */
int log_read(struct log *log, struct event *out, int n);

struct poster {
	struct pi_desc *pi_desc;
	int thread;
	u64 seed;
	/* set from outside, at any time */
	u64 period_ns; /* 0: flat out */
	int stop;
	int *hold; /* no post while this is set */
	int stamp; /* log each post */
	int urgent;
	int nr_vectors; /* 0: seeded, 0x20 to 0xff */
	u8 vectors[256];
	/* written by the posting thread alone, but for notified */
	u64 posts, merged, coalesced, suppressed, notifications;
	u64 notified; /* control at the last notification: its NV and NDST */
	u64 *last; /* where that is kept: notified, or another poster's */
	u64 *on_sets; /* shared among the posters of a race, or NULL */
	struct log collisions; /* posts that set ON */
	struct log log; /* the others */
	pthread_t pthread;
	int running;
};

struct poster *poster_new(void *pi_desc, u64 seed);
/* One post from the calling thread; POST_ flags. */
int poster_post(struct poster *poster, int vector, int urgent);
int poster_start(struct poster *poster);
void poster_stop(struct poster *poster);
void poster_free(struct poster *poster);

enum strategy { CMPXCHG, TRY_CMPXCHG, PLAIN_STORE, SPLIT_LOAD };
enum vcpu_state { STOPPED, RUNNING, BLOCKED, ASLEEP };
enum log_level { LOG_FAILURES, LOG_FULL, LOG_NONE };

struct race {
	struct pi_desc *pi_desc;
	/* set from outside, at any time */
	int strategy;
	int log_level;
	u64 delay; /* ticks between the read and the write of an update */
	u64 max_rounds; /* 0: no bound */
	int freeze; /* stop at the first lost ON */
	int last_post; /* hold all posts while the vCPU sleeps */
	int stop;
	/* written by the vCPU's thread alone */
	int hold __attribute__((aligned(64))); /* the posters pause */
	int frozen;
	int done;
	u64 rounds, retries, on_cleared, harvested, lost;
	u64 missed_wakeups, asleep_since, woken;
	u64 retry_histogram[MAX_RETRIES];
	u64 wakes[MAX_WAKES]; /* ticks slept after a missed wakeup */
	struct log collisions; /* failed attempts, the tries after them, damage */
	struct log log; /* other updates */
	/* written by every poster */
	u64 on_sets __attribute__((aligned(64)));
	/* written by whoever starts and stops */
	struct poster *posters[MAX_POSTERS];
	int nr_posters;
	u64 seed, period_ns;
	struct timebase start;
	u64 ran_ns, started_ns;
	pthread_t pthread;
	int running;
};

struct race *race_new(void *pi_desc, u64 seed);
void race_rate(struct race *race, u64 period_ns);
/* Also while it runs. Returns 0 or an errno. */
int race_posters(struct race *race, int n);
int race_start(struct race *race);
void race_stop(struct race *race);
void race_free(struct race *race);
u64 race_elapsed_ns(struct race *race);
u64 race_slept_ns(struct race *race);
u64 race_updates(struct race *race);
enum vcpu_state race_vcpu_state(struct race *race);
int race_wakes(struct race *race, u64 *ns);
/* What every poster counted: posts, merged, coalesced, suppressed, notifications. */
void race_posts(struct race *race, u64 counts[5]);
/*
 * Events of every thread, by their end, from the last stretch that all logs cover; if nothing
 * collided there, from the longer one that the logs of collisions cover, and these alone. With
 * around set, only those near the latest failed or damaging attempt. Returns how many.
 */
int race_events(struct race *race, struct event *out, int n, int around);

int start_thread(pthread_t *pthread, void *(*run)(void *), void *arg);

#endif
