/* sources: csrc/race.c csrc/iommu.c */
/* The race engine keeps its laws for every strategy; rounds in argv[1]. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine.h"
#include "listings/pi_desc_loop.h"

#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);            \
			exit(1);                                                                   \
		}                                                                                  \
	} while (0)

static struct pi_desc pi;

static u64 pending(void)
{
	u64 bits = 0;
	int i;

	for (i = 0; i < 8; i++)
		bits += __builtin_popcount(pi.pir[i]);
	return bits;
}

static void nap(long ns)
{
	struct timespec sleep = { 0, ns };

	nanosleep(&sleep, NULL);
}

/* posts, merged, coalesced, suppressed, notifications */
static void check_laws(struct race *race, u64 runs)
{
	u64 p[5];

	race_posts(race, p);
	CHECK(p[4] == race->on_sets);
	CHECK(p[0] == p[2] + p[3] + p[4]);
	CHECK(p[0] - p[1] == race->harvested + pending());
	CHECK(race->lost == p[4] - race->on_cleared - pi.on);
	/* a run that ends asleep or frozen has blocked once more than it unblocked */
	CHECK(race_updates(race) - 2 * race->rounds <= runs);
}

static void test_laws(int strategy, u64 period, u64 delay, int posters, int log_level, u64 rounds)
{
	struct race *race;
	u64 updates = 0, retries = 0;
	int i;

	memset(&pi, 0, sizeof(pi));
	pi.nv = POSTED_INTR_VECTOR;
	race = race_new(&pi, 7);
	CHECK(race);
	race->strategy = strategy;
	race->delay = delay;
	race->log_level = log_level;
	race->max_rounds = rounds;
	race_rate(race, period);
	CHECK(!race_posters(race, posters));
	CHECK(!race_start(race));
	while (!__atomic_load_n(&race->done, __ATOMIC_RELAXED))
		nap(1000000);
	race_stop(race);
	CHECK(race->rounds == rounds);
	check_laws(race, 0);
	for (i = 0; i < MAX_RETRIES; i++) {
		updates += race->retry_histogram[i];
		retries += i * race->retry_histogram[i];
	}
	CHECK(updates == 2 * rounds);
	CHECK(retries == race->retries);
	if (strategy == CMPXCHG || strategy == TRY_CMPXCHG) {
		CHECK(race->lost == 0);
		CHECK(race->missed_wakeups == 0);
		/* between two harvests only ON changes, and only from 0 to 1 */
		CHECK(race->retry_histogram[0] + race->retry_histogram[1] == 2 * rounds);
	}
	race_free(race);
}

/* Everything changes while it runs; the laws do not. */
static void test_live_changes(void)
{
	struct race *race;
	u64 rounds;
	int i;

	memset(&pi, 0, sizeof(pi));
	race = race_new(&pi, 1);
	CHECK(race);
	CHECK(!race_posters(race, 1));
	for (i = 0; i < 40; i++) {
		if (i % 8 == 0)
			CHECK(!race_start(race));
		__atomic_store_n(&race->strategy, i % 4, __ATOMIC_RELAXED);
		__atomic_store_n(&race->delay, i % 3 * 500, __ATOMIC_RELAXED);
		race_rate(race, i % 5 * 1000);
		CHECK(!race_posters(race, 1 + i % 3));
		nap(2000000);
		if (i % 8 == 7) {
			race_stop(race);
			check_laws(race, 1 + i / 8);
			rounds = race->rounds;
			nap(2000000);
			CHECK(race->rounds == rounds);
		}
	}
	race_free(race);
}

/* In a full log, each failed CAS has the post that broke it inside its interval. */
static void test_failures_have_a_cause(void)
{
	struct event *events = malloc(9 * MAX_EVENTS * sizeof(*events));
	struct race *race;
	int i, j, n, failed = 0;

	CHECK(events);
	memset(&pi, 0, sizeof(pi));
	race = race_new(&pi, 3);
	CHECK(race);
	race->log_level = LOG_FULL;
	race->delay = 2000;
	race_rate(race, 2000);
	CHECK(!race_posters(race, 1));
	CHECK(!race_start(race));
	nap(50000000);
	race_stop(race);
	n = race_events(race, events, 9 * MAX_EVENTS, 0);
	for (i = 0; i < n; i++) {
		bool caused = false;

		if (events[i].kind != FAILED)
			continue;
		for (j = 0; j < n && !caused; j++)
			caused = events[j].kind == POST && events[j].begin <= events[i].end &&
				 events[j].end >= events[i].begin &&
				 events[j].new == events[i].seen;
		CHECK(caused);
		failed++;
	}
	printf("failed attempts, each with its post: %d of %d events\n", failed, n);
	race_free(race);
	free(events);
}

static struct event at(int thread, enum kind kind, u64 begin, u64 end, u64 seen)
{
	return (struct event){
		thread, kind, begin * 100000, end * 100000, seen & ~1ull, seen, seen
	};
}

/* A post that begins before the stretch that all logs cover, and breaks the first try in it. */
static void test_a_post_reaches_in(void)
{
	struct race *race = race_new(&pi, 5);
	struct event event, events[64], *all = malloc(9 * MAX_EVENTS * sizeof(*all));
	bool caused = false, failed = false;
	u64 i, last = MAX_EVENTS + 8;
	int n, whole;

	CHECK(race);
	CHECK(!race_posters(race, 1));
	CHECK(!race_start(race));
	race_stop(race);
	race->start = (struct timebase){ 0, 0 };
	memset(&race->log, 0, sizeof(race->log));
	memset(&race->collisions, 0, sizeof(race->collisions));
	memset(&race->posters[0]->log, 0, sizeof(race->log));
	memset(&race->posters[0]->collisions, 0, sizeof(race->log));
	for (i = 1; i <= last; i++) {
		event = at(0, UPDATE, 10 * i, 10 * i + 5, 2 * i);
		log_event(&race->log, &event);
	}
	/* the log has forgotten the updates up to the ninth: the stretch begins with the tenth */
	event = at(0, FAILED, 107, 109, 7);
	log_event(&race->collisions, &event);
	event = at(1, POST, 50, 108, 7);
	log_event(&race->posters[0]->collisions, &event);
	n = race_events(race, events, 64, 1);
	for (i = 0; i < (u64)n; i++) {
		failed |= events[i].kind == FAILED;
		caused |= events[i].kind == POST && events[i].new == 7;
	}
	CHECK(failed && caused);

	/* without room for the post, its try is left out too */
	whole = race_events(race, all, 9 * MAX_EVENTS, 0);
	for (i = 0; all[i].kind != FAILED; i++)
		;
	CHECK(all[i - 1].kind == POST);
	n = race_events(race, all, whole - i, 0);
	CHECK(n == whole - (int)i - 1);
	while (n--)
		CHECK(all[n].kind != FAILED);
	free(all);
	race_free(race);
}

static void test_post_table(void)
{
	int on, sn, urgent;

	for (on = 0; on < 2; on++) {
		for (sn = 0; sn < 2; sn++) {
			for (urgent = 0; urgent < 2; urgent++) {
				bool notify = !on && (!sn || urgent);
				struct pi_desc desc = { 0 };
				u64 control;
				int result;

				desc.on = on;
				desc.sn = sn;
				desc.nv = 0xf1;
				result = iommu_post(&desc, 77, urgent, &control);
				CHECK(result == (on	? POST_COALESCED :
						 notify ? POST_NOTIFIED :
							  POST_SUPPRESSED));
				CHECK(desc.pir[2] == 1u << 13);
				CHECK(desc.on == (on || notify));
				CHECK(desc.sn == sn && desc.nv == 0xf1);
				CHECK(control == desc.control);
				CHECK(iommu_post(&desc, 77, urgent, &control) & POST_MERGED);
			}
		}
	}
}

static void test_loop_text(void)
{
	struct pi_desc desc = { 0 };
	u32 taken[8];
	u64 control;

	CHECK(pi_pre_block(&desc, 3));
	CHECK(desc.nv == POSTED_INTR_WAKEUP_VECTOR && desc.ndst == 3);
	iommu_post(&desc, 255, 0, &control);
	CHECK(!pi_pre_block(&desc, 3));
	pi_post_block(&desc, 9);
	CHECK(desc.nv == POSTED_INTR_VECTOR && desc.ndst == 9 && desc.on);
	CHECK(pi_harvest(&desc, taken) && taken[7] == 1u << 31 && !desc.on && !desc.pir[7]);
	CHECK(!pi_harvest(&desc, taken));
}

int main(int argc, char **argv)
{
	u64 rounds = argc > 1 ? strtoull(argv[1], NULL, 10) : 200000;
	int strategy;

	test_post_table();
	test_loop_text();
	for (strategy = CMPXCHG; strategy <= SPLIT_LOAD; strategy++) {
		test_laws(strategy, 0, 0, 1, LOG_FAILURES, rounds);
		test_laws(strategy, 400, 0, 1, LOG_FULL, rounds);
		test_laws(strategy, 1000, 300, 3, LOG_FAILURES, rounds / 4);
	}
	test_live_changes();
	test_failures_have_a_cause();
	test_a_post_reaches_in();
	return 0;
}
