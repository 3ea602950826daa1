/* SPDX-License-Identifier: MIT */
/*
 * A vCPU that blocks, unblocks and harvests without end, against posting threads.
 *
 * The updates are the text of pi_desc_loop.h. Its accesses to control pass through the hooks
 * below, which widen the window between read and write, count, and stamp.
 */
#include <stdlib.h>
#include <string.h>

#include "engine.h"

struct vcpu {
	struct race *race;
	u64 delay;
	int log_level;
	bool slow; /* this attempt is stamped, delayed, or a retry */
	bool in_window; /* control has been read and not yet written */
	bool waited;
	u64 retries; /* of the update under way */
	u64 begin; /* ticks before the first read of this attempt, or 0 */
	u64 read; /* what the latest read returned */
};

/* initial-exec: one instruction, where the default of a shared library is a call */
static __thread __attribute__((tls_model("initial-exec"))) struct vcpu *me;

static u64 load_control(u64 *control);
static void store_control(u64 *control, u64 new);
static u64 cas_control(u64 *control, u64 old, u64 new);
static bool try_cas_control(u64 *control, u64 *old, u64 new);

/* In pi_desc_loop.h a u64 is control; PIR and the single bits have other types. */
#define READ_ONCE(x) _Generic(&(x), u64 *: load_control((void *)&(x)), default: LOAD(x))
#define WRITE_ONCE(x, val) store_control(&(x), (val))
#define cmpxchg64(ptr, old, new) cas_control((ptr), (old), (new))
#define try_cmpxchg64(ptr, oldp, new) try_cas_control((ptr), (oldp), (new))
#include "listings/pi_desc_loop.h"

/* Without a delay or a full log, only retries are stamped: a locked instruction waits for every
 * store before it. */
static void configure(struct vcpu *vcpu, u64 delay, int log_level)
{
	vcpu->delay = delay;
	vcpu->log_level = log_level;
	vcpu->slow = delay || log_level == LOG_FULL;
}

static u64 stamp(struct vcpu *vcpu)
{
	if (vcpu->log_level == LOG_FULL || (vcpu->retries && vcpu->log_level != LOG_NONE))
		return ordered_ticks();
	return vcpu->delay ? ticks() : 0;
}

static void open_window(struct vcpu *vcpu, u64 begin)
{
	vcpu->begin = begin;
	vcpu->in_window = true;
	vcpu->waited = !vcpu->delay;
}

/* The window between an attempt's read and its write (or second read). */
static void wait_in_window(struct vcpu *vcpu)
{
	while (!vcpu->waited)
		vcpu->waited = ticks() - vcpu->begin >= vcpu->delay;
}

static __always_inline u64 load_control(u64 *control)
{
	struct vcpu *vcpu = me;

	if (likely(!vcpu->slow))
		return LOAD(*control);
	if (vcpu->in_window)
		wait_in_window(vcpu);
	else
		open_window(vcpu, stamp(vcpu));
	vcpu->read = LOAD(*control);
	return vcpu->read;
}

static void record(struct vcpu *vcpu, enum kind kind, u64 old, u64 new, u64 seen)
{
	struct event event = { 0, kind, vcpu->begin, ordered_ticks(), old, new, seen };

	log_event(kind == UPDATE || kind == STORED ? &vcpu->race->log : &vcpu->race->collisions,
		  &event);
}

static __attribute__((__noinline__)) void failed(struct vcpu *vcpu, u64 old, u64 new, u64 seen)
{
	if (vcpu->log_level != LOG_NONE)
		record(vcpu, FAILED, old, new, seen);
	ADD(vcpu->race->retries, 1);
	vcpu->retries++;
	vcpu->in_window = false;
	vcpu->slow = true;
}

static __attribute__((__noinline__)) void succeeded_slowly(struct vcpu *vcpu, u64 old, u64 new)
{
	/* a CAS that erased the ON it compared with had its new value from another read */
	enum kind kind = (old & ~new & 1) ? DAMAGE : vcpu->retries ? RETRY : UPDATE;
	u64 bin = vcpu->retries < MAX_RETRIES ? vcpu->retries : MAX_RETRIES - 1;

	if (vcpu->log_level == LOG_FULL || (kind != UPDATE && vcpu->log_level != LOG_NONE))
		record(vcpu, kind, old, new, old);
	ADD(vcpu->race->retry_histogram[bin], 1);
	vcpu->retries = 0;
	vcpu->begin = 0;
	vcpu->in_window = false;
	configure(vcpu, vcpu->delay, vcpu->log_level);
}

static __always_inline bool attempted(struct vcpu *vcpu, u64 old, u64 new, u64 seen)
{
	if (unlikely(seen != old)) {
		failed(vcpu, old, new, seen);
		return false;
	}
	if (unlikely(vcpu->slow || (old & ~new & 1)))
		succeeded_slowly(vcpu, old, new);
	else
		ADD(vcpu->race->retry_histogram[0], 1);
	return true;
}

static __always_inline u64 cas_control(u64 *control, u64 old, u64 new)
{
	struct vcpu *vcpu = me;
	u64 seen = old;

	if (unlikely(vcpu->slow))
		wait_in_window(vcpu);
	__atomic_compare_exchange_n(control, &seen, new, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
	attempted(vcpu, old, new, seen);
	return seen;
}

static __always_inline bool try_cas_control(u64 *control, u64 *old, u64 new)
{
	struct vcpu *vcpu = me;
	u64 expected = *old;
	u64 before = 0;

	if (unlikely(vcpu->slow)) {
		wait_in_window(vcpu);
		before = stamp(vcpu);
	}
	__atomic_compare_exchange_n(control, old, new, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
	if (likely(attempted(vcpu, expected, new, *old)))
		return true;
	/* the failed CAS was the next attempt's read */
	open_window(vcpu, before);
	return false;
}

static __always_inline void store_control(u64 *control, u64 new)
{
	struct vcpu *vcpu = me;

	if (unlikely(vcpu->slow))
		wait_in_window(vcpu);
	STORE(*control, new);
	ADD(vcpu->race->retry_histogram[0], 1);
	if (likely(!vcpu->slow))
		return;
	/* what it overwrote is not known here: race_events() finds the damage */
	if (vcpu->log_level != LOG_NONE)
		record(vcpu, STORED, vcpu->read, new, vcpu->read);
	vcpu->in_window = false;
}

/*
 * ON was set more often than it was cleared or stands: the rest is lost. The posters' count
 * lags behind their CAS, so this never says too much.
 */
static __always_inline bool lost_more(struct race *race)
{
	u64 sets = __atomic_load_n(&race->on_sets, __ATOMIC_ACQUIRE);
	u64 lost = sets - LOAD(race->on_cleared) - pi_test_on(race->pi_desc);

	if (likely((s64)lost <= (s64)LOAD(race->lost)))
		return false;
	STORE(race->lost, lost);
	return true;
}

static bool interrupt_pending(struct pi_desc *pi_desc)
{
	int i;

	for (i = 0; i < 8; i++)
		if (LOAD(pi_desc->pir[i]))
			return true;
	return false;
}

/* One of the latest two stores has just done damage. */
static void keep_stores(struct race *race)
{
	u64 i, count = race->log.count;

	for (i = count > 2 ? count - 2 : 0; i < count; i++)
		if (race->log.ring[i % MAX_EVENTS].kind == STORED)
			log_event(&race->collisions, &race->log.ring[i % MAX_EVENTS]);
}

/*
 * Blocked with an interrupt pending that nothing announces: only the next post wakes it.
 * False if none came before the race was stopped.
 */
static __attribute__((__noinline__)) bool sleep_until_next_post(struct race *race)
{
	u64 since = ticks();

	ADD(race->missed_wakeups, 1);
	STORE(race->asleep_since, since);
	if (LOAD(race->last_post))
		STORE(race->hold, 1);
	while (!pi_test_on(race->pi_desc) && !LOAD(race->stop))
		cpu_relax();
	if (!pi_test_on(race->pi_desc))
		return false;
	STORE(race->wakes[LOAD(race->woken) % MAX_WAKES], ticks() - since);
	ADD(race->woken, 1);
	STORE(race->asleep_since, 0);
	STORE(race->hold, 0);
	return true;
}

static __always_inline void harvest(struct race *race)
{
	u32 taken[8];
	int i;

	if (!pi_harvest(race->pi_desc, taken))
		return;
	ADD(race->on_cleared, 1);
	for (i = 0; i < 8; i++)
		ADD(race->harvested, __builtin_popcount(taken[i]));
}

/* Rounds of block, unblock, harvest, until the settings change. */
static __always_inline void rounds(struct vcpu *vcpu, int strategy,
				   void (*update)(struct pi_desc *pi_desc, u8 nv, u32 ndst))
{
	struct race *race = vcpu->race;
	struct pi_desc *pi_desc = race->pi_desc;
	u64 round = race->rounds;

	while (LOAD(race->strategy) == strategy && !LOAD(race->stop)) {
		u64 delay = LOAD(race->delay);
		int log_level = LOAD(race->log_level);

		if (unlikely(race->max_rounds && round >= race->max_rounds)) {
			STORE(race->done, 1);
			return;
		}
		if (unlikely(vcpu->delay != delay || vcpu->log_level != log_level))
			configure(vcpu, delay, log_level);

		/* pi_pre_block(), with this strategy */
		update(pi_desc, POSTED_INTR_WAKEUP_VECTOR, round & 7);
		if (!pi_test_on(pi_desc)) {
			/* blocked */
			if (unlikely(lost_more(race))) {
				keep_stores(race);
				if (LOAD(race->freeze)) {
					STORE(race->hold, 1);
					STORE(race->frozen, 1);
					return;
				}
				if (interrupt_pending(pi_desc) && !pi_test_on(pi_desc) &&
				    !sleep_until_next_post(race))
					return;
			}
		}

		/* pi_post_block(), with this strategy; the vCPU may have moved */
		update(pi_desc, POSTED_INTR_VECTOR, (round + 1) & 7);
		harvest(race);
		STORE(race->rounds, ++round);
	}
}

static void *vcpu_run(void *arg)
{
	struct race *race = arg;
	struct vcpu vcpu = { .race = race };

	me = &vcpu;
	configure(&vcpu, LOAD(race->delay), LOAD(race->log_level));
	while (!LOAD(race->stop) && !race->frozen && !race->done) {
		switch (LOAD(race->strategy)) {
		case CMPXCHG: rounds(&vcpu, CMPXCHG, pi_update); break;
		case TRY_CMPXCHG: rounds(&vcpu, TRY_CMPXCHG, pi_update_try); break;
		case PLAIN_STORE: rounds(&vcpu, PLAIN_STORE, pi_update_store); break;
		case SPLIT_LOAD: rounds(&vcpu, SPLIT_LOAD, pi_update_split_load); break;
		}
	}
	return NULL;
}

struct race *race_new(void *pi_desc, u64 seed)
{
	struct race *race = aligned_alloc(64, (sizeof(*race) + 63) & ~(size_t)63);

	if (!race)
		return NULL;
	memset(race, 0, sizeof(*race));
	race->pi_desc = pi_desc;
	race->seed = seed;
	return race;
}

void race_rate(struct race *race, u64 period_ns)
{
	int i;

	race->period_ns = period_ns;
	for (i = 0; i < race->nr_posters; i++)
		if (race->posters[i])
			STORE(race->posters[i]->period_ns, period_ns);
}

static int post_from(struct race *race, int i)
{
	struct poster *poster = race->posters[i];

	if (!poster) {
		poster = poster_new(race->pi_desc, race->seed * MAX_POSTERS + i);
		if (!poster)
			return -1;
		poster->thread = i + 1;
		poster->hold = &race->hold;
		poster->on_sets = &race->on_sets;
		race->posters[i] = poster;
	}
	STORE(poster->stamp, LOAD(race->log_level) != LOG_NONE);
	STORE(poster->period_ns, race->period_ns);
	return poster_start(poster);
}

int race_posters(struct race *race, int n)
{
	int err;

	while (race->nr_posters > n)
		poster_stop(race->posters[--race->nr_posters]);
	while (race->nr_posters < n) {
		if (race->running) {
			err = post_from(race, race->nr_posters);
			if (err)
				return err;
		}
		race->nr_posters++;
	}
	return 0;
}

int race_start(struct race *race)
{
	int err, i;

	STORE(race->stop, 0);
	STORE(race->frozen, 0);
	STORE(race->done, 0);
	STORE(race->hold, 0);
	STORE(race->asleep_since, 0);
	if (!race->ran_ns)
		race->start = timebase_now();
	race->started_ns = monotonic_ns();
	err = start_thread(&race->pthread, vcpu_run, race);
	if (err)
		return err;
	race->running = 1;
	for (i = 0; i < race->nr_posters; i++) {
		err = post_from(race, i);
		if (err) {
			race_stop(race);
			return err;
		}
	}
	return 0;
}

void race_stop(struct race *race)
{
	int i;

	STORE(race->stop, 1);
	for (i = 0; i < MAX_POSTERS; i++)
		if (race->posters[i])
			poster_stop(race->posters[i]);
	if (!race->running)
		return;
	pthread_join(race->pthread, NULL);
	race->running = 0;
	race->ran_ns += monotonic_ns() - race->started_ns;
	/* exact, now that nobody writes */
	race->lost = race->on_sets - race->on_cleared - pi_test_on(race->pi_desc);
}

void race_free(struct race *race)
{
	int i;

	for (i = 0; i < MAX_POSTERS; i++)
		poster_free(race->posters[i]);
	free(race);
}

u64 race_elapsed_ns(struct race *race)
{
	return race->ran_ns + (race->running ? monotonic_ns() - race->started_ns : 0);
}

enum vcpu_state race_vcpu_state(struct race *race)
{
	struct pi_desc pi = { .control = LOAD(race->pi_desc->control) };

	if (LOAD(race->asleep_since))
		return ASLEEP;
	if (!race->running)
		return STOPPED;
	return pi.nv == POSTED_INTR_WAKEUP_VECTOR ? BLOCKED : RUNNING;
}

u64 race_updates(struct race *race)
{
	u64 updates = 0;
	int i;

	for (i = 0; i < MAX_RETRIES; i++)
		updates += LOAD(race->retry_histogram[i]);
	return updates;
}

u64 race_slept_ns(struct race *race)
{
	u64 since = LOAD(race->asleep_since);

	return since ? (u64)((ticks() - since) * ns_per_tick(race->start)) : 0;
}

int race_wakes(struct race *race, u64 *ns)
{
	u64 woken = LOAD(race->woken);
	int n = woken < MAX_WAKES ? woken : MAX_WAKES;
	double scale = ns_per_tick(race->start);
	int i;

	for (i = 0; i < n; i++)
		ns[i] = LOAD(race->wakes[i]) * scale;
	return n;
}

void race_posts(struct race *race, u64 counts[5])
{
	int i;

	memset(counts, 0, 5 * sizeof(*counts));
	for (i = 0; i < MAX_POSTERS; i++) {
		struct poster *poster = race->posters[i];

		if (!poster)
			continue;
		counts[0] += LOAD(poster->posts);
		counts[1] += LOAD(poster->merged);
		counts[2] += LOAD(poster->coalesced);
		counts[3] += LOAD(poster->suppressed);
		counts[4] += LOAD(poster->notifications);
	}
}

static int by_end(const void *a, const void *b)
{
	const struct event *x = a, *y = b;

	return (x->end > y->end) - (x->end < y->end);
}

/*
 * A post wrote over by a plain store: it set ON in the very value that the store had read,
 * and at that time. No two neighbouring updates leave the same NV and NDST.
 */
static bool damaged(const struct event *store, const struct event *post)
{
	return post->kind == POST && !(store->old & 1) && post->old == store->old &&
	       post->begin < store->end && post->end > store->begin;
}

static void mark_damage(struct event *events, int n)
{
	struct event *event;
	int i;

	for (event = events; event < events + n; event++) {
		if (event->kind != STORED)
			continue;
		/* sorted by end: the post ends before the store does, or a little later */
		for (i = event - events; i >= 0 && events[i].end > event->begin; i--)
			if (damaged(event, &events[i]))
				event->kind = DAMAGE;
		for (i = event - events; i < n && i < event - events + 4 * MAX_POSTERS; i++)
			if (damaged(event, &events[i]))
				event->kind = DAMAGE;
	}
}

static bool collided(const struct event *event)
{
	return event->kind == FAILED || event->kind == DAMAGE;
}

/* Moves the events near the latest failed or damaging attempt to the front. */
static int select_around(struct event *events, int n, int most)
{
	struct event *last = NULL, *event, *out = events;
	u64 from, to, pad, whole = 0;
	int kept;

	for (event = events + n - 1; event >= events && !last; event--)
		if (collided(event))
			last = event;
	if (last) {
		from = last->begin ? last->begin : last->end - 500;
		to = last->end;
		for (event = last + 1; event < events + n; event++) {
			if (event->thread == 0) {
				to = event->end;
				break;
			}
		}
		/* no wider: a preempted attempt lasts milliseconds, and its neighbours would crowd
		 * it out */
		pad = (to - from) / 2 + 200 < 2000 ? (to - from) / 2 + 200 : 2000;
		from = from > pad ? from - pad : 0;
		to += pad;
	} else {
		to = n ? events[n - 1].end : 0;
		from = to > 2000 ? to - 2000 : 0;
	}
	for (event = events; event < events + n; event++)
		if (event->end >= from && (event->begin ? event->begin : event->end) <= to)
			*out++ = *event;
	n = out - events;
	/* posts that changed nothing go first */
	for (event = events; event < events + n; event++)
		whole += event->kind != COALESCED;
	kept = whole < (u64)most ? most - whole : 0;
	out = events;
	for (event = events; event < events + n && out < events + most; event++)
		if (event->kind != COALESCED || kept-- > 0)
			*out++ = *event;
	return out - events;
}

/* The stretch that these logs cover, in ns since the start, by end. */
static int gather(struct race *race, struct log *logs[], int nr_logs, int each,
		  struct event *events)
{
	double scale = ns_per_tick(race->start);
	int n = 0, kept = 0, i;
	u64 from = 0;

	for (i = 0; i < nr_logs; i++) {
		int got = log_read(logs[i], events + n, each);

		/* what an overwritten part held is unknown, so nobody is shown there */
		if (got && LOAD(logs[i]->count) > (u64)got && events[n].end > from)
			from = events[n].end;
		n += got;
	}
	for (i = 0; i < n; i++) {
		struct event event = events[i];

		/* a post that reaches in from before is whole, and may be why the first try failed
		 */
		if (event.end < from || (event.thread == 0 && event.begin && event.begin < from))
			continue;
		if (event.begin)
			event.begin = (event.begin - race->start.ticks) * scale;
		event.end = (event.end - race->start.ticks) * scale;
		events[kept++] = event;
	}
	qsort(events, kept, sizeof(*events), by_end);
	/* a store that did damage may be in both logs */
	for (i = n = 0; i < kept; i++)
		if (!n || memcmp(&events[i], &events[n - 1], sizeof(*events)))
			events[n++] = events[i];
	mark_damage(events, n);
	return n;
}

int race_events(struct race *race, struct event *out, int most, int around)
{
	int each = around && race->running ? MAX_EVENTS / 16 : MAX_EVENTS;
	struct log *logs[2 * (MAX_POSTERS + 1)];
	int half = 0, kept = 0, n, i;
	struct event *events, *event;
	u64 from;

	logs[half++] = &race->collisions;
	for (i = 0; i < MAX_POSTERS; i++)
		if (race->posters[i])
			logs[half++] = &race->posters[i]->collisions;
	logs[half] = &race->log;
	for (i = 1; i < half; i++)
		logs[half + i] = &race->posters[i - 1]->log;

	events = malloc(2 * half * each * sizeof(*events));
	if (!events)
		return 0;
	n = gather(race, logs, 2 * half, each, events);
	for (event = events; event < events + n && !collided(event); event++)
		;
	/* the logs of collisions reach further back */
	if (event == events + n)
		n = gather(race, logs, half, each, events);
	if (around)
		n = select_around(events, n, most);
	i = n > most ? n - most : 0;
	from = i ? events[i - 1].end : 0;
	/* nor is a try shown whose post may be among what does not fit */
	for (event = events + i; event < events + n; event++)
		if (event->thread || !event->begin || !i || event->begin > from)
			out[kept++] = *event;
	free(events);
	return kept;
}
