/* SPDX-License-Identifier: MIT */
/*
 * Every state that the processes can reach, breadth first, so that the first way found to a state
 * is a shortest one. A state is a vector of part numbers, and parts are kept whole: nothing rests
 * on a hash. Then one pass over the strongly connected components, successors first, says what can
 * still happen from each state and how many runs there are.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "explore.h"
#include "jobs.h"

#define NONE UINT32_MAX
#define FINDINGS 32
#define RACES 32

/* What a run from a state can still come to. */
enum { GOOD = 1, BAD = 2, UNKNOWN = 4, CYCLE = 8 };

struct piece {
	u64 hash, offset;
	u32 size;
};

struct race {
	struct access a, b;
	u32 thread_a, thread_b, state;
};

static struct {
	u64 *slots;  /* high half of the hash, then number + 1 */
	u32 mask, count;
	struct piece *pieces;
	struct access *next; /* of a part that is a thread: what it does next */
	u8 *bytes;
	size_t used, capacity;
} parts;

static struct {
	u64 *slots;
	u32 mask, count, room, expanded;
	u32 *vectors;  /* `width` part numbers a state */
	u32 *parent;
	u8 *by;	  /* the action that led here from the parent */
	u8 *end;  /* GOOD or BAD where a run ends */
	u8 *can;
	u32 *edges;  /* where the edges of a state begin; one more at the end */
	unsigned width;
} states;

static struct {
	u32 *target;
	u8 *action;
	u32 count, room;
} edges;

/*
 * A step turns on its thread and on memory alone: what came of each pair of parts, so that none is
 * run twice, however many states share it.
 */
struct outcome {
	u64 pair; /* 0: nothing here */
	u32 thread, memory;
};

static struct {
	struct outcome *slots;
	u32 mask, count;
} outcomes;

static struct {
	struct finding finding;
	u32 state;
} findings[FINDINGS];
static struct race races[RACES];
static u32 finding_count, race_count, livelock_state;
static u32 loaded[THREADS + 1];

/* The sandbox limits memory; running into that limit is an end like any other. */
static void *grow(void *old, size_t size)
{
	void *new = realloc(old, size);

	if (!new && size) {
		job_stopped = 1;
		return old;
	}
	return new;
}

static u64 *find_slot(u64 *slots, u32 mask, u64 hash, const void *what,
		      bool (*same)(u32, u64, const void *))
{
	u32 i = hash & mask;

	while (slots[i] && !((slots[i] ^ hash) >> 32 == 0 && same((u32)slots[i] - 1, hash, what)))
		i = (i + 1) & mask;
	return &slots[i];
}

static u64 *double_slots(u64 *slots, u32 *mask, u32 count, u64 (*hash)(u32))
{
	u32 size = *mask ? (*mask + 1) * 2 : 1024;
	u64 *new = calloc(size, sizeof(*new));

	if (!new) {
		job_stopped = 1;
		return slots;
	}
	*mask = size - 1;
	for (u32 n = 0; n < count; n++) {
		u64 h = hash(n);
		u32 i = h & *mask;

		while (new[i])
			i = (i + 1) & *mask;
		new[i] = (h >> 32 << 32) | (n + 1);
	}
	free(slots);
	return new;
}

static u64 part_hash(u32 n)
{
	return parts.pieces[n].hash;
}

static bool same_part(u32 n, u64 hash, const void *candidate)
{
	const struct piece *a = &parts.pieces[n], *b = candidate;

	return a->hash == hash && a->size == b->size &&
	       !memcmp(parts.bytes + a->offset, parts.bytes + b->offset, a->size);
}

/* The number of a part as it stands in the machine now. */
static u32 number_part(unsigned part)
{
	struct piece piece = { .offset = parts.used };
	u64 *slot;

	if (parts.used + PART_MAX > parts.capacity) {
		parts.capacity = 2 * parts.capacity + 4 * PART_MAX;
		parts.bytes = grow(parts.bytes, parts.capacity);
	}
	if (2 * (parts.count + 1) > parts.mask) {
		parts.slots = double_slots(parts.slots, &parts.mask, parts.count, part_hash);
		parts.pieces = grow(parts.pieces, (parts.mask / 2 + 2) * sizeof(*parts.pieces));
		parts.next = grow(parts.next, (parts.mask / 2 + 2) * sizeof(*parts.next));
	}
	if (job_stopped)
		return 0;
	piece.size = machine_snapshot(part, parts.bytes + parts.used);
	piece.hash = machine_hash(parts.bytes + parts.used, piece.size);
	slot = find_slot(parts.slots, parts.mask, piece.hash, &piece, same_part);
	if (!*slot) {
		parts.pieces[parts.count] = piece;
		if (part)
			parts.next[parts.count] = *machine_pending(part - 1);
		parts.used += piece.size;
		*slot = (piece.hash >> 32 << 32) | ++parts.count;
	}
	return (u32)*slot - 1;
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

static u64 vector_hash(u32 n)
{
	const u32 *vector = states.vectors + (size_t)n * states.width;
	u64 hash = 0;

	for (unsigned i = 0; i < states.width; i++) {
		hash = (hash ^ vector[i]) * 0x9e3779b97f4a7c15ull;
		hash ^= hash >> 32;
	}
	return hash;
}

static bool same_vector(u32 n, u64 hash, const void *candidate)
{
	(void)hash;
	return !memcmp(states.vectors + (size_t)n * states.width, candidate,
		       states.width * sizeof(u32));
}

static bool make_room(void)
{
	if (states.count + 2 < states.room)
		return true;
	states.room = states.room ? states.room * 2 : 1024;
	states.vectors = grow(states.vectors, (size_t)states.room * states.width * sizeof(u32));
	states.parent = grow(states.parent, (size_t)states.room * sizeof(u32));
	states.by = grow(states.by, states.room);
	states.end = grow(states.end, states.room);
	states.edges = grow(states.edges, ((size_t)states.room + 1) * sizeof(u32));
	return !job_stopped;
}

static void add_state(u32 parent, unsigned action)
{
	states.parent[states.count] = parent;
	states.by[states.count] = action;
	states.end[states.count++] = 0;
}

/* The finding's number; a state without successors stands for each, so that runs through it count.
 */
static u32 add_finding(const struct finding *finding)
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

static u32 failed_state(const struct finding *finding, u32 parent, unsigned action)
{
	u32 i = add_finding(finding);

	if (findings[i].state == NONE || states.end[findings[i].state] != BAD) {
		memset(states.vectors + (size_t)states.count * states.width, 0xff,
		       states.width * sizeof(u32));
		findings[i].state = states.count;
		add_state(parent, action);
		states.end[findings[i].state] = BAD;
	}
	return findings[i].state;
}

static void fail_here(const struct finding *finding, u32 state)
{
	u32 i = add_finding(finding);

	if (findings[i].state == NONE)
		findings[i].state = state;
	states.end[state] = BAD;
}

/* The number of the state the machine is in. */
static u32 number_state(const u32 *vector, u32 parent, unsigned action)
{
	u32 number = states.count;
	u64 hash, *slot;

	if (4 * (states.count + 1) > 3 * states.mask)
		states.slots = double_slots(states.slots, &states.mask, states.count, vector_hash);
	memcpy(states.vectors + (size_t)number * states.width, vector, states.width * sizeof(u32));
	hash = vector_hash(number);
	slot = find_slot(states.slots, states.mask, hash, vector, same_vector);
	if (*slot)
		return (u32)*slot - 1;
	*slot = (hash >> 32 << 32) | (number + 1);
	add_state(parent, action);
	if (machine_has_invariant()) {
		load_part(0, vector[0]);
		if (machine_invariant())
			fail_here(machine_finding(), number);
		loaded[0] = NONE;
	}
	return number;
}

static void add_edge(u32 target, unsigned action)
{
	if (edges.count == edges.room) {
		edges.room = edges.room ? 2 * edges.room : 4096;
		edges.target = grow(edges.target, (size_t)edges.room * sizeof(u32));
		edges.action = grow(edges.action, edges.room);
		if (job_stopped)
			return;
	}
	edges.target[edges.count] = target;
	edges.action[edges.count++] = action;
}

static void look_for_races(u32 state, const u32 *vector)
{
	for (unsigned i = 0; i < machine_processes; i++)
		for (unsigned j = i + 1; j < machine_processes; j++) {
			const struct access *a = &parts.next[vector[1 + i]];
			const struct access *b = &parts.next[vector[1 + j]];
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

static struct outcome *find_outcome(struct outcome *slots, u32 mask, u64 pair)
{
	u32 i = (pair * 0x9e3779b97f4a7c15ull) >> 32 & mask;

	while (slots[i].pair && slots[i].pair != pair)
		i = (i + 1) & mask;
	return &slots[i];
}

static bool double_outcomes(void)
{
	u32 mask = outcomes.mask ? 2 * outcomes.mask + 1 : 4095;
	struct outcome *slots = calloc((size_t)mask + 1, sizeof(*slots));

	if (!slots) {
		job_stopped = 1;
		return false;
	}
	for (u32 i = 0; outcomes.mask && i <= outcomes.mask; i++)
		if (outcomes.slots[i].pair)
			*find_outcome(slots, mask, outcomes.slots[i].pair) = outcomes.slots[i];
	free(outcomes.slots);
	outcomes.slots = slots;
	outcomes.mask = mask;
	return true;
}

enum result { CANNOT, FAILED, STEPPED };

/* Steps from one vector of parts to the next. */
static enum result advance(const u32 *vector, u32 *next, unsigned action)
{
	unsigned part = 1 + action % THREADS;
	u64 pair = (u64)(action >= THREADS) << 63 | (u64)(vector[part] + 1) << 32 | vector[0];
	struct outcome *outcome;

	if (4 * (outcomes.count + 1) > 3 * outcomes.mask && !double_outcomes())
		return CANNOT;
	outcome = find_outcome(outcomes.slots, outcomes.mask, pair);
	if (!outcome->pair) {
		load_part(part, vector[part]);
		load_part(0, vector[0]);
		if (!(machine_enabled() & 1u << action)) {
			*outcome = (struct outcome){ pair, NONE, NONE };
		} else if (machine_step(action)) {
			loaded[0] = loaded[part] = NONE;
			return FAILED;
		} else {
			loaded[0] = number_part(0);
			loaded[part] = number_part(part);
			*outcome = (struct outcome){ pair, loaded[part], loaded[0] };
		}
		outcomes.count++;
	}
	if (outcome->thread == NONE)
		return CANNOT;
	memcpy(next, vector, states.width * sizeof(*next));
	next[0] = outcome->memory;
	next[part] = outcome->thread;
	return STEPPED;
}

/* A state that nobody can step from: the end of a run, good or bad. */
static void finish(u32 state, const u32 *vector)
{
	struct finding deadlock = { .trouble = DEADLOCK, .thread = THREADS };

	for (unsigned part = states.width; part-- > 0;)
		load_part(part, vector[part]);
	states.end[state] = GOOD;
	if (!machine_finished())
		fail_here(&deadlock, state);
	else if (machine_finally())
		fail_here(machine_finding(), state);
	loaded[0] = NONE;
}

/* Adds the edges of a state. */
static void expand(u32 state)
{
	unsigned actions = machine_tso ? 2 * THREADS : THREADS;
	u32 vector[THREADS + 1], next[THREADS + 1], first = edges.count;

	memcpy(vector, states.vectors + (size_t)state * states.width, sizeof(u32) * states.width);
	look_for_races(state, vector);
	for (unsigned action = 0; action < actions; action++) {
		enum result result;

		if (action % THREADS >= machine_processes)
			continue;
		if (!make_room())
			return;
		result = advance(vector, next, action);
		if (job_stopped)
			return;
		if (result == FAILED)
			add_edge(failed_state(machine_finding(), state, action), action);
		else if (result == STEPPED)
			add_edge(number_state(next, state, action), action);
	}
	if (edges.count == first)
		finish(state, vector);
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec + time.tv_nsec * 1e-9;
}

static void forget(void)
{
	if (parts.slots)
		memset(parts.slots, 0, ((size_t)parts.mask + 1) * sizeof(u64));
	if (states.slots)
		memset(states.slots, 0, ((size_t)states.mask + 1) * sizeof(u64));
	if (outcomes.slots)
		memset(outcomes.slots, 0, ((size_t)outcomes.mask + 1) * sizeof(struct outcome));
	parts.count = parts.used = outcomes.count = 0;
	states.count = states.expanded = edges.count = finding_count = race_count = 0;
	memset(loaded, 0xff, sizeof(loaded));
}

/* True when the graph is whole. */
static bool build(const struct limits *limits, void (*progress)(u32))
{
	double end = now() + limits->seconds, told = now();
	u32 vector[THREADS + 1], s;

again:
	forget();
	states.width = 1 + machine_processes;
	if (!make_room())
		return false;
	if (machine_reset()) {
		failed_state(machine_finding(), NONE, 0);
		states.edges[0] = states.edges[1] = 0;
		states.expanded = 1;
		return true;
	}
	if (machine_marked_stack())
		goto again;
	for (unsigned part = 0; part < states.width; part++)
		vector[part] = loaded[part] = number_part(part);
	number_state(vector, NONE, 0);
	for (s = 0; s < states.count; s++) {
		states.edges[s] = edges.count;
		if (!states.end[s])
			expand(s);
		if (machine_marked_stack())
			goto again;
		if (states.count > limits->states || job_stopped)
			break;
		if (s % 1024 == 0 && now() > told + 0.1) {
			told = now();
			progress(states.count);
			if (told > end)
				break;
		}
	}
	if (s < states.count) /* the one that was cut short has no edges */
		edges.count = states.edges[s];
	states.expanded = s;
	states.edges[s] = edges.count;
	return s == states.count;
}

static void tell_nobody(u32 count)
{
	(void)count;
}

void explore_stacks(const struct limits *limits)
{
	build(limits, tell_nobody);
}

/* ---- what the graph says ------------------------------------------------------------------- */

static u32 *order; /* states, successors first */

static u32 edges_end(u32 state)
{
	return state < states.expanded ? states.edges[state + 1] : 0;
}

static u32 edges_begin(u32 state)
{
	return state < states.expanded ? states.edges[state] : 0;
}

/*
 * A component from which no end can be reached is a livelock if whatever can act in it also acts
 * inside it: then all can go on for ever, and fairly. `component` numbers are still being given.
 */
static bool fair(const u32 *members, u32 count, const u32 *component)
{
	u32 can = 0, does = 0;

	for (u32 m = 0; m < count; m++)
		for (u32 e = edges_begin(members[m]); e < edges_end(members[m]); e++) {
			can |= 1u << edges.action[e];
			if (component[edges.target[e]] == component[members[m]])
				does |= 1u << edges.action[e];
		}
	return can == does;
}

static void close_component(const u32 *members, u32 count, u32 number, u32 *component)
{
	u8 can = 0;
	bool cycle = count > 1;

	for (u32 m = 0; m < count; m++)
		component[members[m]] = number;
	for (u32 m = 0; m < count; m++) {
		u32 s = members[m];

		can |= s < states.expanded || states.end[s] ? states.end[s] : UNKNOWN;
		for (u32 e = edges_begin(s); e < edges_end(s); e++) {
			cycle |= edges.target[e] == s;
			can |= states.can[edges.target[e]] & (GOOD | BAD | UNKNOWN);
		}
	}
	for (u32 m = 0; m < count; m++)
		states.can[members[m]] = can | (cycle ? CYCLE : 0);
	if (cycle && !can && fair(members, count, component))
		for (u32 m = 0; m < count; m++)
			livelock_state = members[m] < livelock_state ? members[m] : livelock_state;
}

/* Tarjan's algorithm with the recursion written out. */
static bool analyse(void)
{
	size_t size = (size_t)states.count * sizeof(u32);
	u32 *index = calloc(1, size), *low = malloc(size), *component = malloc(size);
	u32 *stack = malloc(size), *path = malloc(size), *next = malloc(size);
	u32 numbered = 0, height = 0, depth = 0, done = 0, components = 0;

	order = malloc(size);
	states.can = calloc(1, states.count);
	if (!index || !low || !component || !stack || !path || !next || !order || !states.can)
		return false;
	memset(component, 0xff, size);
	livelock_state = NONE;
	path[depth++] = 0;
	while (depth) {
		u32 s = path[depth - 1];

		if (!index[s]) {
			index[s] = low[s] = ++numbered;
			stack[height++] = s;
			next[s] = edges_begin(s);
		}
		if (next[s] < edges_end(s)) {
			u32 target = edges.target[next[s]];

			if (!index[target]) {
				path[depth++] = target;
				continue;
			}
			if (component[target] == NONE && low[target] < low[s])
				low[s] = low[target];
			next[s]++;
			continue;
		}
		depth--;
		if (low[s] == index[s]) {
			u32 top = height;

			while (stack[--height] != s)
				;
			close_component(stack + height, top - height, components++, component);
			for (u32 i = height; i < top; i++)
				order[done++] = stack[i];
		}
	}
	free(index), free(low), free(component), free(stack), free(path), free(next);
	return true;
}

/* sum += term; false when it does not fit. */
static bool add(u64 *sum, const u64 *term, u32 limbs)
{
	unsigned char carry = 0;

	for (u32 i = 0; i < limbs; i++) {
		unsigned __int128 digit = (unsigned __int128)sum[i] + term[i] + carry;

		sum[i] = digit;
		carry = digit >> 64;
	}
	return !carry;
}

static void print_number(FILE *out, const char *name, const u64 *number, u32 limbs)
{
	fprintf(out, ",\"%s\":\"", name);
	while (limbs > 1 && !number[limbs - 1])
		limbs--;
	fprintf(out, "%lx", number[--limbs]);
	while (limbs-- > 0)
		fprintf(out, "%016lx", number[limbs]);
	fputc('"', out);
}

/* How many runs come to such an end: the sum over successors, from the ends back. */
static bool count_runs(FILE *out, const char *name, u8 ends)
{
	for (u32 limbs = 2;; limbs *= 2) {
		u64 *runs = calloc((size_t)states.count * limbs, sizeof(u64));
		bool fits = true;

		if (!runs)
			return false;
		for (u32 i = 0; i < states.count && fits; i++) {
			u32 s = order[i];

			if (states.can[s] & CYCLE && states.can[s] & ends) {
				free(runs);
				fprintf(out, ",\"%s\":\"inf\"", name);
				return true;
			}
			if (states.end[s] & ends)
				runs[(size_t)s * limbs] = 1;
			for (u32 e = edges_begin(s); e < edges_end(s) && states.can[s] & ends; e++)
				fits &= add(runs + (size_t)s * limbs,
					    runs + (size_t)edges.target[e] * limbs, limbs);
		}
		if (fits)
			print_number(out, name, runs, limbs);
		free(runs);
		if (fits)
			return true;
	}
}

/* How many runs end within so many steps, cycles or not: step by step, forward. */
static bool count_steps(FILE *out, u32 steps)
{
	for (u32 limbs = 2;; limbs *= 2) {
		size_t size = (size_t)states.count * limbs * sizeof(u64);
		u64 *at = calloc(1, size), *then = calloc(1, size),
		    *ended = calloc(limbs, sizeof(u64));
		bool fits = true;

		if (!at || !then || !ended)
			return false;
		at[0] = 1;
		for (u32 step = 0; step <= steps && fits; step++) {
			u64 *swap = at;

			memset(then, 0, size);
			for (u32 s = 0; s < states.count; s++) {
				u64 *from = at + (size_t)s * limbs;

				if (states.end[s])
					fits &= add(ended, from, limbs);
				for (u32 e = edges_begin(s); e < edges_end(s); e++)
					fits &= add(then + (size_t)edges.target[e] * limbs, from,
						    limbs);
			}
			at = then;
			then = swap;
		}
		if (fits)
			print_number(out, "within", ended, limbs);
		free(at), free(then), free(ended);
		if (fits)
			return true;
	}
}

/* The actions on the shortest way to a state, and the first step after which no run ends well. */
static u32 way_to(u32 state, u8 **actions, u32 *no_return, bool whole)
{
	u32 length = 0, s, i;

	for (s = state; states.parent[s] != NONE; s = states.parent[s])
		length++;
	*actions = malloc(length + 1);
	*no_return = NONE;
	for (s = state, i = length;; s = states.parent[s], i--) {
		if (whole && !(states.can[s] & GOOD))
			*no_return = i;
		if (states.parent[s] == NONE)
			break;
		(*actions)[i - 1] = states.by[s];
	}
	return length;
}

static void print_way(FILE *out, u32 state, bool whole)
{
	u8 *actions;
	u32 no_return, length = way_to(state, &actions, &no_return, whole);

	if (no_return != NONE)
		fprintf(out, ",\"no_return\":%u", no_return);
	fprintf(out, ",\"steps\":");
	report_steps(out, actions, length, false);
	free(actions);
}

/* Which finding a run that ends here came to. */
static u32 finding_at(u32 state)
{
	struct finding deadlock = { .trouble = DEADLOCK, .thread = THREADS };
	u32 i;

	for (i = 0; i < finding_count; i++)
		if (findings[i].state == state)
			return i;
	if ((machine_has_invariant() && machine_invariant()) ||
	    (machine_finished() && machine_finally()))
		return add_finding(machine_finding());
	return add_finding(&deadlock);
}

/* The states of the ways to the findings, then those around them, nearest first: all, if there is
 * room. */
static u32 choose(u32 *chosen, u8 *taken, u32 most)
{
	u32 count = 0;

	chosen[count++] = 0;
	taken[0] = 1;
	for (u32 i = 0; i < finding_count; i++)
		for (u32 s = findings[i].state; !taken[s] && count < most; s = states.parent[s]) {
			taken[s] = 1;
			chosen[count++] = s;
		}
	for (u32 i = 0; i < count; i++)
		for (u32 e = edges_begin(chosen[i]); e < edges_end(chosen[i]) && count < most; e++)
			if (!taken[edges.target[e]]) {
				taken[edges.target[e]] = 1;
				chosen[count++] = edges.target[e];
			}
	return count;
}

static void print_graph(FILE *out, u32 most)
{
	u32 *chosen = malloc((size_t)states.count * sizeof(u32)), count;
	u8 *taken = calloc(1, states.count);

	if (!chosen || !taken)
		return;
	count = choose(chosen, taken, most);
	fprintf(out, ",\"graph\":[");
	for (u32 i = 0; i < count; i++) {
		u32 s = chosen[i];
		const u32 *vector = states.vectors + (size_t)s * states.width;

		fprintf(out, "%s{\"number\":%u,\"can\":%u,\"edges\":[", i ? "," : "", s,
			states.can[s] & 7);
		for (u32 e = edges_begin(s); e < edges_end(s); e++)
			fprintf(out, "%s[%u,%u]", e > edges_begin(s) ? "," : "", edges.action[e],
				edges.target[e]);
		fprintf(out, "]");
		if (vector[0] != NONE) {
			memset(loaded, 0xff, sizeof(loaded));
			for (unsigned part = states.width; part-- > 0;)
				load_part(part, vector[part]);
			fprintf(out, ",");
			report_state(out);
		}
		if (states.end[s] == BAD)
			fprintf(out, ",\"finding\":%u", finding_at(s));
		fprintf(out, "}");
	}
	fprintf(out, "]");
	free(chosen), free(taken);
}

static int earlier(const void *a, const void *b)
{
	u32 x = *(const u32 *)((const char *)a + offsetof(__typeof__(findings[0]), state));
	u32 y = *(const u32 *)((const char *)b + offsetof(__typeof__(findings[0]), state));

	return x < y ? -1 : x > y;
}

void explore(const struct limits *limits, void (*progress)(u32), FILE *out)
{
	bool whole = build(limits, progress);

	whole = analyse() && whole && !machine_full;
	report_header(out);
	fprintf(out, ",\"complete\":%s,\"states\":%u,\"transitions\":%u", whole ? "true" : "false",
		states.count, edges.count);
	if (whole && livelock_state != NONE) {
		struct finding finding = { .trouble = LIVELOCK, .thread = THREADS };

		findings[add_finding(&finding)].state = livelock_state;
	}
	if (whole)
		whole = count_runs(out, "interleavings", GOOD | BAD) && count_runs(out, "bad", BAD);
	if (whole && limits->steps)
		whole = count_steps(out, limits->steps);
	qsort(findings, finding_count, sizeof(findings[0]), earlier);
	if (limits->graph)
		print_graph(out, limits->graph);
	fprintf(out, ",\"findings\":[");
	for (u32 i = 0; i < finding_count; i++) {
		fprintf(out, i ? ",{" : "{");
		report_finding(out, &findings[i].finding);
		print_way(out, findings[i].state, whole);
		fprintf(out, "}");
	}
	fprintf(out, "],\"races\":[");
	for (u32 i = 0; i < race_count; i++) {
		const struct race *race = &races[i];

		fprintf(out, "%s{\"a\":[%u,%u,%u,%ld],\"b\":[%u,%u,%u,%ld],\"at\":%lu,\"size\":%u",
			i ? "," : "", race->thread_a, race->a.kind, race->a.marked,
			(long)((u64)race->a.pc - machine_base()), race->thread_b, race->b.kind,
			race->b.marked, (long)((u64)race->b.pc - machine_base()),
			(u64)(race->a.address > race->b.address ? race->a.address :
								  race->b.address),
			race->a.size < race->b.size ? race->a.size : race->b.size);
		print_way(out, race->state, false);
		fprintf(out, "}");
	}
	fprintf(out, "]}");
}
