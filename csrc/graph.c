/* SPDX-License-Identifier: MIT */
/*
 * Every state that the processes can reach, breadth first, so that the first way found to a state
 * is a shortest one. A state is a vector of part numbers, and parts are kept whole: nothing rests
 * on a hash. Most of the time goes into touching memory for the first time: so tables are dense,
 * grow where they lie, and hold nothing that the edges tell as well.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "graph.h"
#include "jobs.h"

#define PARTS (THREADS + 1)
#define AWAITED 64

struct piece {
	u64 hash, offset;
	u32 size;
	u32 then; /* of a process: what its last step made of it, or NONE: most steps lead there */
	u8 acts; /* of a process: it is not done, and, the bit after, its store buffer not empty */
	u8 plain; /* it is about to make an access that could be half of a race */
};

static struct {
	u32 *slots; /* number + 1 */
	u32 count, room; /* half as many as slots */
	struct piece *pieces;
	u8 *bytes;
	size_t used, capacity;
} parts;

static struct {
	u32 *slots; /* number + 1 */
	u32 room; /* half as many as slots */
	u32 *vectors; /* `width` part numbers a state; room for PARTS at the end */
	unsigned width;
} states;

/*
 * A step turns on its thread and on memory alone: what came of each pair of parts, so that none is
 * run twice, however many states share it.
 */
struct outcome {
	u64 pair; /* the two parts, and the kind of action */
	u32 thread, memory; /* NONE, NONE: cannot act */
};

static struct {
	u32 *slots; /* number + 1 */
	u32 count, room; /* half as many as slots */
	struct outcome *all;
} outcomes;

struct graph graph;
struct found findings[FINDINGS];
struct race races[RACES];
u32 finding_count, race_count;
static u32 edge_room;
static u32 loaded[PARTS];

/* Edges whose target has no number yet: while they wait, the slots to look into come in. */
static struct {
	u32 edge, vector[PARTS];
	u64 hash;
} awaited[AWAITED];
static u32 awaited_count;

static struct {
	double end, next;
	u32 asked;
	void (*progress)(u32);
} watch;

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec + time.tv_nsec * 1e-9;
}

bool graph_over(void)
{
	double time;

	if (job_stopped || ++watch.asked % 1024)
		return job_stopped;
	time = now();
	if (time > watch.next) {
		watch.next = time + 0.1;
		watch.progress(graph.count);
	}
	if (time > watch.end)
		job_stopped = 1;
	return job_stopped;
}

bool graph_late(void)
{
	static double since;

	if (!graph_over())
		return false;
	since = since ? since : now();
	return now() > since + 0.5;
}

/* The sandbox limits memory; running into that limit is an end like any other. */
static void *grow(void *old, size_t count, size_t size)
{
	void *new = realloc(old, count * size);

	if (!new)
		job_stopped = 1;
	return new ? new : old;
}

/* Twice as many slots, all filled anew, in place. */
static u32 *grow_slots(u32 *slots, u32 room, u32 count, u64 (*hash)(u32))
{
	u32 mask = 2 * room - 1;

	slots = grow(slots, 2 * (size_t)room, sizeof(*slots));
	if (job_stopped)
		return slots;
	memset(slots, 0, 2 * (size_t)room * sizeof(*slots));
	for (u32 n = 0; n < count; n++) {
		u32 i = hash(n) & mask;

		while (slots[i])
			i = (i + 1) & mask;
		slots[i] = n + 1;
	}
	return slots;
}

static u64 part_hash(u32 n)
{
	return parts.pieces[n].hash;
}

static bool same_part(const struct piece *a, const struct piece *b)
{
	return a->hash == b->hash && a->size == b->size &&
	       !memcmp(parts.bytes + a->offset, parts.bytes + b->offset, a->size);
}

static bool make_room_for_part(void)
{
	u32 room = parts.room ? 2 * parts.room : 512;

	if (parts.used + PART_MAX > parts.capacity) {
		size_t capacity = 2 * parts.capacity + 4 * PART_MAX;

		parts.bytes = grow(parts.bytes, capacity, 1);
		if (!job_stopped)
			parts.capacity = capacity;
	}
	if (parts.count == parts.room) {
		parts.pieces = grow(parts.pieces, room, sizeof(*parts.pieces));
		parts.slots = grow_slots(parts.slots, room, parts.count, part_hash);
		if (!job_stopped)
			parts.room = room;
	}
	return !job_stopped;
}

/* The number of a part as it stands in the machine now; `guess` is what it may well be, or NONE. */
static u32 number_part(unsigned part, u32 guess)
{
	struct piece piece = { .offset = parts.used, .then = NONE };
	const struct access *access;
	u32 mask, i;

	if (!make_room_for_part())
		return 0;
	piece.size = machine_snapshot(part, parts.bytes + parts.used);
	if (guess != NONE && parts.pieces[guess].size == piece.size &&
	    !memcmp(parts.bytes + parts.pieces[guess].offset, parts.bytes + parts.used, piece.size))
		return guess;
	piece.hash = machine_hash(parts.bytes + parts.used, piece.size);
	mask = 2 * parts.room - 1;
	for (i = piece.hash & mask; parts.slots[i]; i = (i + 1) & mask)
		if (same_part(&parts.pieces[parts.slots[i] - 1], &piece))
			return parts.slots[i] - 1;
	if (part) {
		access = machine_pending(part - 1);
		piece.acts = (access->kind != NOTHING) | (machine_buffered(part - 1) > 0) << 1;
		piece.plain = access->kind >= READ && access->kind <= MODIFY && !access->marked;
	}
	parts.pieces[parts.count] = piece;
	parts.used += piece.size;
	parts.slots[i] = ++parts.count;
	return parts.count - 1;
}

/* Part 0 goes last: it holds the stack bytes that the others leave out. */
static void load_part(unsigned part, u32 number)
{
	if (loaded[part] == number)
		return;
	machine_restore(part, parts.bytes + parts.pieces[number].offset);
	loaded[part] = number;
	if (part)
		loaded[0] = NONE;
}

static void load_all(const u32 *vector)
{
	for (unsigned part = states.width; part-- > 0;)
		load_part(part, vector[part]);
}

static u32 *vector_at(u32 n)
{
	return states.vectors + (size_t)n * states.width;
}

static u64 hash_vector(const u32 *vector)
{
	u64 hash = 0;

	for (unsigned i = 0; i < states.width; i++)
		hash = (hash ^ hash >> 32 ^ vector[i]) * 0x9e3779b97f4a7c15ull;
	return hash >> 32;
}

static u64 state_hash(u32 n)
{
	return hash_vector(vector_at(n));
}

static bool make_room(void)
{
	u32 room = states.room ? states.room * 2 : 1024;

	if (graph.count + 2 < states.room)
		return true;
	states.vectors =
		grow(states.vectors, (size_t)room * states.width + PARTS, sizeof(*states.vectors));
	graph.can = grow(graph.can, room, sizeof(*graph.can));
	graph.first = grow(graph.first, (size_t)room + 1, sizeof(*graph.first));
	states.slots = grow_slots(states.slots, room, graph.count, state_hash);
	if (!job_stopped)
		states.room = room;
	return !job_stopped;
}

u32 graph_finding(const struct finding *finding)
{
	u32 i;

	for (i = 0; i < finding_count; i++)
		if (findings[i].finding.trouble == finding->trouble &&
		    findings[i].finding.pc == finding->pc &&
		    findings[i].finding.condition == finding->condition)
			return i;
	if (finding_count == FINDINGS)
		return FINDINGS - 1;
	findings[finding_count].finding = *finding;
	findings[finding_count].state = NONE;
	return finding_count++;
}

/* A state without successors stands for each finding, so that runs that end in it count. */
static u32 failed_state(const struct finding *finding)
{
	struct found *found = &findings[graph_finding(finding)];

	if (found->state == NONE || graph.can[found->state] != BAD) {
		memset(vector_at(graph.count), 0xff, states.width * sizeof(u32));
		found->state = graph.count;
		graph.can[graph.count++] = BAD;
	}
	return found->state;
}

static void fail_here(const struct finding *finding, u32 state)
{
	u32 i = graph_finding(finding);

	if (findings[i].state == NONE)
		findings[i].state = state;
	graph.can[state] = BAD;
}

static bool same_vector(const u32 *a, const u32 *b)
{
	for (unsigned i = 0; i < states.width; i++)
		if (a[i] != b[i])
			return false;
	return true;
}

/* The number of the state that is this vector. */
static u32 number_state(const u32 vector[PARTS], u64 hash)
{
	u32 mask = 2 * states.room - 1, i;

	for (i = hash & mask; states.slots[i]; i = (i + 1) & mask)
		if (same_vector(vector_at(states.slots[i] - 1), vector))
			return states.slots[i] - 1;
	memcpy(vector_at(graph.count), vector, PARTS * sizeof(u32));
	graph.can[graph.count++] = UNKNOWN;
	states.slots[i] = graph.count;
	if (machine_has_invariant()) {
		load_part(0, vector[0]);
		if (machine_invariant())
			fail_here(machine_finding(), graph.count - 1);
		loaded[0] = NONE;
	}
	return graph.count - 1;
}

/* Numbers them; what there is no memory for has never been an edge. */
static void number_targets(void)
{
	for (u32 i = 0; i < awaited_count; i++) {
		if (!make_room()) {
			graph.edge_count = awaited[i].edge;
			break;
		}
		graph.target[awaited[i].edge] = number_state(awaited[i].vector, awaited[i].hash);
	}
	awaited_count = 0;
}

static bool make_room_for_edges(void)
{
	u32 room = edge_room ? 2 * edge_room : 4096;

	if (graph.edge_count + 2 * THREADS <= edge_room)
		return true;
	graph.target = grow(graph.target, room, sizeof(*graph.target));
	graph.action = grow(graph.action, room, sizeof(*graph.action));
	if (!job_stopped)
		edge_room = room;
	return !job_stopped;
}

static const struct access *next_access(u32 number)
{
	return machine_pending_in(parts.bytes + parts.pieces[number].offset);
}

static void look_for_races(u32 state, const u32 *vector)
{
	u8 plain = 0;

	for (unsigned i = 1; i < states.width; i++)
		plain |= parts.pieces[vector[i]].plain;
	if (!plain)
		return;
	for (unsigned i = 0; i < machine_processes; i++)
		for (unsigned j = i + 1; j < machine_processes; j++) {
			const struct access *a = next_access(vector[1 + i]);
			const struct access *b = next_access(vector[1 + j]);
			u32 r;

			if (!machine_race(a, b))
				continue;
			for (r = 0; r < race_count; r++)
				if ((races[r].a.pc == a->pc && races[r].b.pc == b->pc) ||
				    (races[r].a.pc == b->pc && races[r].b.pc == a->pc))
					break;
			if (r == race_count && r < RACES)
				races[race_count++] = (struct race){ *a, *b, i, j, state };
		}
}

static u64 pair_of(const u32 *vector, unsigned action)
{
	return (u64)(action >= THREADS) << 63 | (u64)(vector[1 + action % THREADS] + 1) << 32 |
	       vector[0];
}

static u64 hash_pair(u64 pair)
{
	return (pair * 0x9e3779b97f4a7c15ull) >> 32;
}

static u64 outcome_hash(u32 n)
{
	return hash_pair(outcomes.all[n].pair);
}

/* Asks for what expanding the states that come after this one will look up: slots, then outcomes.
 */
static void fetch_outcomes(u32 state)
{
	u32 mask = 2 * outcomes.room - 1;

	for (unsigned i = 0; i < machine_processes && state + 8 < graph.count && outcomes.room;
	     i++) {
		u64 soon = hash_pair(pair_of(vector_at(state + 4), i));
		u64 later = hash_pair(pair_of(vector_at(state + 8), i));

		__builtin_prefetch(&outcomes.slots[later & mask]);
		if (outcomes.slots[soon & mask])
			__builtin_prefetch(&outcomes.all[outcomes.slots[soon & mask] - 1]);
	}
}

static bool make_room_for_outcome(void)
{
	u32 room = outcomes.room ? 2 * outcomes.room : 1024;

	if (outcomes.count < outcomes.room)
		return true;
	outcomes.all = grow(outcomes.all, room, sizeof(*outcomes.all));
	outcomes.slots = grow_slots(outcomes.slots, room, outcomes.count, outcome_hash);
	if (!job_stopped)
		outcomes.room = room;
	return !job_stopped;
}

enum result { CANNOT, FAILED, STEPPED };

/* Steps from one vector of parts to the next. */
static enum result advance(u32 *vector, unsigned action)
{
	unsigned part = 1 + action % THREADS;
	u64 pair = pair_of(vector, action);
	struct outcome outcome = { pair, NONE, NONE };
	u32 mask, i;

	if (!(parts.pieces[vector[part]].acts >> action / THREADS & 1) || !make_room_for_outcome())
		return CANNOT;
	mask = 2 * outcomes.room - 1;
	for (i = hash_pair(pair) & mask; outcomes.slots[i]; i = (i + 1) & mask)
		if (outcomes.all[outcomes.slots[i] - 1].pair == pair)
			break;
	if (outcomes.slots[i]) {
		outcome = outcomes.all[outcomes.slots[i] - 1];
	} else {
		load_part(part, vector[part]);
		load_part(0, vector[0]);
		if (machine_enabled() & 1u << action) {
			if (machine_step(action)) {
				loaded[0] = loaded[part] = NONE;
				return FAILED;
			}
			outcome.memory = loaded[0] = number_part(0, vector[0]);
			outcome.thread = loaded[part] =
				number_part(part, parts.pieces[vector[part]].then);
			parts.pieces[vector[part]].then = outcome.thread;
		}
		outcomes.all[outcomes.count] = outcome;
		outcomes.slots[i] = ++outcomes.count;
	}
	if (outcome.thread == NONE)
		return CANNOT;
	vector[0] = outcome.memory;
	vector[part] = outcome.thread;
	return STEPPED;
}

/* A state that nobody can step from: the end of a run, good or bad. */
static void finish(u32 state, const u32 *vector)
{
	struct finding deadlock = { .trouble = DEADLOCK, .thread = THREADS };

	load_all(vector);
	graph.can[state] = GOOD;
	if (!machine_finished())
		fail_here(&deadlock, state);
	else if (machine_finally())
		fail_here(machine_finding(), state);
	loaded[0] = NONE;
}

/* An edge to what the last of `awaited` came to be. */
static void add_edge(enum result result, unsigned action)
{
	u32 target = NONE;

	if (result == FAILED) {
		struct finding finding = *machine_finding();

		number_targets();
		if (!make_room())
			return;
		target = failed_state(&finding);
	} else {
		u64 hash = hash_vector(awaited[awaited_count].vector);

		__builtin_prefetch(&states.slots[hash & (2 * states.room - 1)]);
		awaited[awaited_count].hash = hash;
		awaited[awaited_count++].edge = graph.edge_count;
	}
	graph.target[graph.edge_count] = target;
	graph.action[graph.edge_count++] = action;
}

/* Adds the edges of a state; it stays UNKNOWN if that is cut short. */
static void expand(u32 state)
{
	u32 vector[PARTS];

	if (!make_room_for_edges())
		return;
	if (awaited_count + 2 * THREADS > AWAITED)
		number_targets();
	memcpy(vector, vector_at(state), sizeof(vector));
	look_for_races(state, vector);
	for (unsigned rank = 0; rank <= machine_tso; rank++)
		for (unsigned i = 0; i < machine_processes; i++) {
			enum result result;

			memcpy(awaited[awaited_count].vector, vector, sizeof(vector));
			result = advance(awaited[awaited_count].vector, rank * THREADS + i);
			if (job_stopped)
				return;
			if (result != CANNOT)
				add_edge(result, rank * THREADS + i);
		}
	if (graph.edge_count == graph.first[state])
		finish(state, vector);
	else
		graph.can[state] = 0;
}

static void forget(void)
{
	if (parts.slots)
		memset(parts.slots, 0, 2 * (size_t)parts.room * sizeof(u32));
	if (states.slots)
		memset(states.slots, 0, 2 * (size_t)states.room * sizeof(u32));
	if (outcomes.slots)
		memset(outcomes.slots, 0, 2 * (size_t)outcomes.room * sizeof(u32));
	parts.count = parts.used = outcomes.count = 0;
	graph.count = graph.edge_count = finding_count = race_count = awaited_count = 0;
	memset(loaded, 0xff, sizeof(loaded));
}

/* From the start as the machine has it now, until nothing is new; false to begin again. */
static bool spread(u32 most)
{
	u32 vector[PARTS] = { 0 }, s;

	for (unsigned part = 0; part < states.width; part++)
		vector[part] = loaded[part] = number_part(part, NONE);
	if (job_stopped)
		return true;
	number_state(vector, hash_vector(vector));
	for (s = 0;; s++) {
		graph.first[s] = graph.edge_count;
		if (s == graph.count)
			number_targets();
		if (s == graph.count || graph.count > most || graph_over())
			break;
		fetch_outcomes(s);
		if (graph.can[s] == UNKNOWN)
			expand(s);
		if (machine_marked_stack())
			return false;
	}
	number_targets();
	for (u32 i = 0; i <= graph.count; i++)
		if (i > s || graph.first[i] > graph.edge_count)
			graph.first[i] = graph.edge_count;
	return true;
}

bool graph_build(const struct limits *limits, void (*progress)(u32))
{
	watch.progress = progress;
	watch.next = now() + 0.1;
	watch.end = now() + limits->seconds;
	states.width = 1 + machine_processes;
	do {
		forget();
		if (!make_room())
			return false;
		if (machine_reset()) {
			failed_state(machine_finding());
			graph.first[0] = graph.first[1] = 0;
			return true;
		}
	} while (machine_marked_stack() || !spread(limits->states));
	return !job_stopped && !memchr(graph.can, UNKNOWN, graph.count);
}

void graph_built(void)
{
	free(parts.slots), free(states.slots), free(outcomes.slots), free(outcomes.all);
	parts.slots = states.slots = outcomes.slots = NULL;
}

bool graph_load(u32 state)
{
	if (*vector_at(state) == NONE)
		return false;
	memset(loaded, 0xff, sizeof(loaded));
	load_all(vector_at(state));
	return true;
}
