/* SPDX-License-Identifier: MIT */
/*
 * What the race engine is measured against: the same work by hand, on the same struct, with a
 * bare lock cmpxchg and without hooks, counts or log.
 */
#include <pthread.h>
#include <stdint.h>
#include <time.h>

#include <asm/posted_intr.h>

static inline u64 lock_cmpxchg(u64 *p, u64 old, u64 new)
{
	__asm__ __volatile__("lock cmpxchgq %2, %1" : "+a"(old), "+m"(*p) : "r"(new) : "memory");
	return old;
}

static inline void update(struct pi_desc *desc, u8 nv, u32 ndst)
{
	struct pi_desc old, new;

	do {
		old.control = new.control = READ_ONCE(desc->control);
		new.ndst = ndst;
		new.nv = nv;
	} while (lock_cmpxchg(&desc->control, old.control, new.control) != old.control);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

/* Seconds for that many rounds of two updates and the test of ON after each. */
double bare_rounds(uint64_t rounds)
{
	static struct pi_desc desc;
	double start = now();
	uint64_t i, seen = 0;

	for (i = 0; i < rounds; i++) {
		update(&desc, 0xf1, i & 7);
		seen += pi_test_on(&desc);
		update(&desc, 0xf2, (i + 1) & 7);
		seen += pi_test_on(&desc);
	}
	return seen ? -1 : now() - start;
}

static struct pi_desc shared;
static int stop;
static uint64_t posts, rounds;

static void *post(void *unused)
{
	uint64_t random = 88172645463325252ULL, n = 0;

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		uint64_t vector;
		u64 old;

		random ^= random << 13;
		random ^= random >> 7;
		random ^= random << 17;
		vector = 0x20 + (random >> 40) % 0xe0;
		pi_test_and_set_pir(vector, &shared);
		do {
			old = READ_ONCE(shared.control);
		} while (!(old & 1) && lock_cmpxchg(&shared.control, old, old | 1) != old);
		n++;
	}
	posts = n;
	return unused;
}

static void *block_and_unblock(void *sum)
{
	u64 n = 0, taken = 0;

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		update(&shared, 0xf1, n & 7);
		taken += pi_test_on(&shared);
		update(&shared, 0xf2, (n + 1) & 7);
		if (pi_test_on(&shared)) {
			pi_clear_on(&shared);
			for (int i = 0; i < 8; i++)
				if (READ_ONCE(shared.pir[i]))
					taken += __atomic_exchange_n(&shared.pir[i], 0,
								     __ATOMIC_SEQ_CST);
		}
		n++;
	}
	rounds = n;
	*(u64 *)sum = taken;
	return sum;
}

/* Two threads for that long; updates and posts a second. */
void two_threads(double seconds, double *updates_per_second, double *posts_per_second)
{
	struct timespec sleep = { (time_t)seconds, (long)((seconds - (time_t)seconds) * 1e9) };
	pthread_t poster, vcpu;
	u64 taken;
	double start = now();

	stop = 0;
	pthread_create(&poster, 0, post, 0);
	pthread_create(&vcpu, 0, block_and_unblock, &taken);
	nanosleep(&sleep, 0);
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	pthread_join(poster, 0);
	pthread_join(vcpu, 0);
	seconds = now() - start;
	*updates_per_second = 2 * rounds / seconds;
	*posts_per_second = posts / seconds;
}
