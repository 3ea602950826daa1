/* SPDX-License-Identifier: MIT */
/*
 * Walks a listing at random, takes each step back and takes it again: undoing restores every part,
 * a step changes no part but memory and its own thread's, and the same step comes to the same.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "machine.h"

#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%d: %s\n", __LINE__, #condition);                         \
			exit(1);                                                                   \
		}                                                                                  \
	} while (0)

static void hash_parts(u64 hashes[])
{
	static u8 bytes[PART_MAX];

	for (unsigned part = 0; part <= machine_processes; part++)
		hashes[part] = machine_hash(bytes, machine_snapshot(part, bytes));
}

static unsigned random_action(u32 enabled)
{
	unsigned action;

	do
		action = rand() % (2 * THREADS);
	while (!(enabled & 1u << action));
	return action;
}

int main(int argc, char **argv)
{
	static struct kept kept;
	u64 before[THREADS + 1], after[THREADS + 1], now[THREADS + 1];
	const char *why = "";
	unsigned changed = 0;

	CHECK(argc == 3 && machine_prepare() && machine_load(argv[1], &why));
	machine_tso = !strcmp(argv[2], "tso");
	CHECK(!machine_reset());
	for (unsigned i = 0; i < 2000; i++) {
		u32 enabled = machine_enabled();
		unsigned action;
		enum trouble trouble;

		if (!enabled) {
			CHECK(machine_finished() && !machine_reset());
			continue;
		}
		action = random_action(enabled);
		hash_parts(before);
		machine_keep(&kept, action % THREADS);
		trouble = machine_step(action);
		hash_parts(after);
		machine_undo(&kept);
		hash_parts(now);
		CHECK(!memcmp(before, now, sizeof(u64) * (machine_processes + 1)));
		CHECK(machine_enabled() == enabled);
		CHECK(machine_step(action) == trouble && !trouble);
		hash_parts(now);
		CHECK(!memcmp(after, now, sizeof(u64) * (machine_processes + 1)));
		for (unsigned part = 1; part <= machine_processes; part++)
			CHECK(part == 1 + action % THREADS || before[part] == after[part]);
		changed += before[1 + action % THREADS] != after[1 + action % THREADS];
	}
	CHECK(changed > 1000);
	return 0;
}
