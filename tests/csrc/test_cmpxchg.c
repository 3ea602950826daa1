/* sources: */
/* The exchanges against a model in plain C, against the instruction, and among threads. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmpxchg.h"

#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);            \
			exit(1);                                                                   \
		}                                                                                  \
	} while (0)

#define THREADS 3
#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static const size_t sizes[] = { 1, 2, 4, 8 };
static const enum cmpx_order orders[] = { CMPX_FULL, CMPX_RELAXED, CMPX_ACQUIRE, CMPX_RELEASE };
static _Alignas(64) unsigned char line[64];
static unsigned long iterations;

static uint64_t mask(size_t size)
{
	return UINT64_MAX >> (64 - 8 * size);
}

static uint64_t random_number(void)
{
	static uint64_t state = 1;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

/* Place held in the middle of a line of 0xa5; what an exchange must leave there. */
static unsigned char *set(unsigned char *expected, size_t size, uint64_t held, uint64_t left)
{
	memset(line, 0xa5, sizeof(line));
	cmpx_write(line + 24, held, size);
	memset(expected, 0xa5, sizeof(line));
	for (size_t i = 0; i < size; i++)
		expected[24 + i] = left >> 8 * i;
	return line + 24;
}

static void check_one(size_t size, uint64_t held, uint64_t old, uint64_t new)
{
	uint64_t fit = mask(size), found = held & fit;
	bool ok = found == (old & fit);
	uint64_t left = ok ? new & fit : found, seen;
	unsigned char expected[sizeof(line)], *place;

	for (size_t i = 0; i < COUNT(orders); i++) {
		place = set(expected, size, held, left);
		CHECK(cmpx_cmpxchg(place, old, new, size, orders[i]) == found);
		CHECK(!memcmp(line, expected, sizeof(line)));
		CHECK(cmpx_read(place, size) == left);

		seen = old;
		place = set(expected, size, held, left);
		CHECK(cmpx_try_cmpxchg(place, &seen, new, size, orders[i]) == ok);
		CHECK(seen == found && !memcmp(line, expected, sizeof(line)));
	}
	place = set(expected, size, held, new & fit);
	CHECK(cmpx_xchg(place, new, size) == found);
	CHECK(!memcmp(line, expected, sizeof(line)));
#ifdef __x86_64__
	seen = old;
	place = set(expected, size, held, left);
	CHECK(cmpx_asm_try_cmpxchg(place, &seen, new, size) == ok);
	CHECK(seen == found && !memcmp(line, expected, sizeof(line)));
#endif
}

static void test_model(void)
{
	static const uint64_t edges[] = { 0,	      1,	  0x7f,	      0x80,
					  0xff,	      0x100,	  0x7fff,     0xffff,
					  0x7fffffff, 0x80000000, 0xffffffff, 0x100000000,
					  INT64_MAX,  UINT64_MAX };

	for (size_t s = 0; s < COUNT(sizes); s++) {
		for (size_t i = 0; i < COUNT(edges) * COUNT(edges) * COUNT(edges); i++)
			check_one(sizes[s], edges[i % COUNT(edges)],
				  edges[i / COUNT(edges) % COUNT(edges)],
				  edges[i / COUNT(edges) / COUNT(edges)]);
		for (unsigned long i = 0; i < iterations / 10; i++) {
			uint64_t held = random_number(),
				 old = random_number() & 1 ? held : random_number();

			check_one(sizes[s], held, old, random_number());
		}
	}
}

struct task {
	pthread_t thread;
	size_t size;
	enum cmpx_order order;
	uint64_t sum; /* of what xchg returned */
};

static struct {
	_Alignas(64) uint64_t count;
	_Alignas(64) uint64_t hand;
	_Alignas(64) uint64_t lock;
	uint64_t guarded; /* plain: the lock alone makes this no race */
} shared;

/* One more by CAS: load again after a failure, keep what was seen, or (x86) the instruction. */
static void increment(void *place, size_t size, enum cmpx_order order, unsigned int way)
{
	uint64_t old = cmpx_read(place, size);

	switch (way) {
	case 0:
		while (cmpx_cmpxchg(place, old, (old + 1) & mask(size), size, order) != old)
			old = cmpx_read(place, size);
		break;
#ifdef __x86_64__
	case 1:
		while (!cmpx_asm_try_cmpxchg(place, &old, old + 1, size))
			;
		break;
#endif
	default:
		while (!cmpx_try_cmpxchg(place, &old, old + 1, size, order))
			;
	}
}

static void *contend(void *arg)
{
	struct task *task = arg;

	for (unsigned long i = 0; i < iterations; i++) {
		increment(&shared.count, task->size, task->order, i % 3);
		task->sum += cmpx_xchg(&shared.hand, i & mask(task->size), task->size);
	}
	for (unsigned long i = 0; i < iterations / 10; i++) {
		while (cmpx_cmpxchg(&shared.lock, 0, 1, task->size, CMPX_ACQUIRE))
			sched_yield();
		shared.guarded++;
		CHECK(cmpx_cmpxchg(&shared.lock, 1, 0, task->size, CMPX_RELEASE) == 1);
	}
	return NULL;
}

static void test_threads(size_t size, enum cmpx_order order)
{
	struct task tasks[THREADS] = { 0 };
	uint64_t given = 0, taken = 0;

	memset(&shared, 0, sizeof(shared));
	for (int i = 0; i < THREADS; i++) {
		tasks[i].size = size;
		tasks[i].order = order;
		CHECK(!pthread_create(&tasks[i].thread, NULL, contend, &tasks[i]));
	}
	for (int i = 0; i < THREADS; i++) {
		CHECK(!pthread_join(tasks[i].thread, NULL));
		taken += tasks[i].sum;
	}
	for (unsigned long i = 0; i < iterations; i++)
		given += THREADS * (i & mask(size));
	CHECK(cmpx_read(&shared.count, size) == (THREADS * iterations & mask(size)));
	CHECK(taken + cmpx_read(&shared.hand, size) == given);
	CHECK(shared.guarded == THREADS * (iterations / 10));
}

int main(int argc, char **argv)
{
	iterations = argc > 1 ? strtoul(argv[1], NULL, 10) : 100000;
	test_model();
	for (size_t s = 0; s < COUNT(sizes); s++)
		for (size_t o = 0; o < COUNT(orders); o++)
			test_threads(sizes[s], orders[o]);
	return 0;
}
