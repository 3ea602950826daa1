/* sources: csrc/measure.c csrc/iommu.c */
/* Threads that contend keep what an atomic operation promises. */
#include <stdio.h>
#include <stdlib.h>

#include "measure.h"

#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);            \
			exit(1);                                                                   \
		}                                                                                  \
	} while (0)

static void check(int operation, int place, int threads, u64 window, u64 pause, int backoff)
{
	struct contention *contention =
		contention_new(operation, place, threads, window, pause, backoff);
	struct timespec sleep = { 0, 2000000 };
	u64 counts[4], operations = 0, failures = 0;
	int i;

	CHECK(contention && !contention_start(contention));
	nanosleep(&sleep, NULL);
	contention_stop(contention);
	for (i = 0; i < threads; i++) {
		contention_counts(contention, i, counts);
		CHECK(counts[2] && counts[0] + counts[1]);
		operations += counts[0];
		failures += counts[1];
	}
	CHECK(!failures || operation == OP_CMPXCHG || operation == OP_FAILING_CMPXCHG);
	CHECK(!operations == (operation == OP_FAILING_CMPXCHG));
	if (operation == OP_FETCH_ADD || operation == OP_CMPXCHG)
		CHECK(contention_value(contention) == operations);
	if (operation == OP_ADD && place != SAME)
		CHECK(contention_value(contention) == operations);
	if (operation == OP_CMPXCHG && place != SAME)
		CHECK(!failures);
	contention_free(contention);
}

int main(void)
{
	int operation, place;

	for (operation = OP_LOAD; operation <= OP_FAILING_CMPXCHG; operation++)
		for (place = SAME; place <= SEPARATE; place++)
			check(operation, place, 3, 0, 0, 0);
	check(OP_CMPXCHG, SAME, 4, 500, 0, 0);
	check(OP_CMPXCHG, SAME, 4, 500, 300, 1);
	check(OP_ADD, SEPARATE, 2, 500, 300, 0);
	return 0;
}
