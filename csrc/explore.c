/* SPDX-License-Identifier: MIT */
/*
 * What the graph says: one pass over the strongly connected components, successors first, tells
 * what can still happen from each state; another, how many runs there are.
 */
#include <stdlib.h>
#include <string.h>

#include "graph.h"
#include "jobs.h"

static u32 *order; /* states, successors first */
static u32 *parents; /* the state from which each was found */
static u8 endless; /* the ends that a run can also put off for ever, on a cycle */
static u32 livelock_state;

static u32 edges_begin(u32 state)
{
	return graph.first[state];
}

static u32 edges_end(u32 state)
{
	return graph.first[state + 1];
}

/*
 * A component from which no end can be reached is a livelock if whatever can act in it also acts
 * inside it: then all can go on for ever, and fairly.
 */
static bool fair(const u32 *members, u32 count, const u32 *component)
{
	u32 can = 0, does = 0;

	for (u32 m = 0; m < count; m++)
		for (u32 e = edges_begin(members[m]); e < edges_end(members[m]); e++) {
			can |= 1u << graph.action[e];
			if (component[graph.target[e]] == component[members[m]])
				does |= 1u << graph.action[e];
		}
	return can == does;
}

static void close_component(const u32 *members, u32 count, const u32 *component)
{
	u8 can = 0;
	bool cycle = count > 1;

	for (u32 m = 0; m < count; m++) {
		u32 s = members[m];

		can |= graph.can[s];
		for (u32 e = edges_begin(s); e < edges_end(s); e++) {
			cycle |= graph.target[e] == s;
			can |= graph.can[graph.target[e]];
		}
	}
	for (u32 m = 0; m < count; m++)
		graph.can[members[m]] = can;
	if (cycle)
		endless |= can;
	if (cycle && !can && fair(members, count, component))
		for (u32 m = 0; m < count; m++)
			livelock_state = members[m] < livelock_state ? members[m] : livelock_state;
}

/* A state on the way from the start to where the search is. */
struct visit {
	u32 state, edge, index;
};

/*
 * Strongly connected components as Pearce finds them, with the recursion written out. `reach` of a
 * state is 0 before it is seen, then the lowest index that it leads back to, and once its component
 * is closed a number that no index comes up to. A state is either on the way, or waits in `order`,
 * from its end down, for its component to close, or stands closed at its beginning.
 */
static bool analyse(void)
{
	u32 *reach = calloc(graph.count, sizeof(*reach));
	u32 depth = 1, room = 1024, done = 0, waiting = graph.count, index = 1, component = NONE;
	struct visit *way = malloc(room * sizeof(*way));

	order = malloc((size_t)graph.count * sizeof(*order));
	livelock_state = NONE;
	if (reach && way && order)
		way[0] = (struct visit){ 0, edges_begin(0), reach[0] = index++ };
	else
		depth = 0;
	while (depth && !graph_over()) {
		struct visit *at = &way[depth - 1];
		u32 s = at->state, end = edges_end(s), lowest = reach[s], begin = done, target = 0;

		for (; at->edge < end; at->edge++) {
			target = graph.target[at->edge];
			if (!reach[target])
				break;
			if (reach[target] < lowest)
				lowest = reach[target];
		}
		reach[s] = lowest;
		if (at->edge < end) {
			if (depth == room) {
				struct visit *longer =
					realloc(way, 2 * (size_t)room * sizeof(*way));

				if (!longer)
					break;
				way = longer;
				room *= 2;
			}
			reach[target] = index++;
			way[depth++] = (struct visit){ target, edges_begin(target), reach[target] };
			continue;
		}
		depth--;
		if (lowest < at->index) {
			order[--waiting] = s;
			continue;
		}
		while (waiting < graph.count && reach[order[waiting]] >= lowest) {
			reach[order[waiting]] = component;
			order[done++] = order[waiting++];
		}
		reach[s] = component--;
		order[done++] = s;
		index -= done - begin;
		close_component(order + begin, done - begin, reach);
	}
	free(reach), free(way);
	return done == graph.count;
}

/* sum += term; what is left to carry. */
static bool add(u64 *sum, const u64 *term, u32 limbs)
{
	unsigned char carry = 0;

	for (u32 i = 0; i < limbs; i++) {
		unsigned __int128 digit = (unsigned __int128)sum[i] + term[i] + carry;

		sum[i] = digit;
		carry = digit >> 64;
	}
	return carry;
}

static void print_number(FILE *out, const char *name, const u64 *number, u32 limbs)
{
	fprintf(out, ",\"%s\":\"", name);
	while (limbs > 1 && !number[limbs - 1])
		limbs--;
	fprintf(out, "%lx", limbs ? number[--limbs] : 0);
	while (limbs-- > 0)
		fprintf(out, "%016lx", number[limbs]);
	fputc('"', out);
}

/* How many runs from a state, as long as it needs to be: 0 has no limbs. */
struct number {
	u32 start, limbs;
	u32 awaited; /* predecessors that have not added it yet; then its limbs are used again */
};

/* `spare[n]` begins a list of places for n limbs, each place + 1, 0 at its end. */
static struct {
	u64 *limbs, *sum;
	u32 *spare;
	u32 used, room, longest;
} digits;

static bool make_room(u32 limbs)
{
	u64 room = 2 * (u64)digits.room + limbs + 1024;
	u64 *longer;

	if (limbs >= digits.longest) {
		u64 *sum = realloc(digits.sum, 2 * (size_t)limbs * sizeof(*sum));
		u32 *spare = sum ? realloc(digits.spare, 2 * (size_t)limbs * sizeof(*spare)) : NULL;

		digits.sum = sum ? sum : digits.sum;
		if (!spare)
			return false;
		digits.spare = spare;
		while (digits.longest < 2 * limbs)
			digits.spare[digits.longest++] = 0;
	}
	if (digits.used + limbs <= digits.room)
		return true;
	longer = room < NONE ? realloc(digits.limbs, room * sizeof(*longer)) : NULL;
	if (!longer)
		return false;
	digits.limbs = longer;
	digits.room = room;
	return true;
}

/* A place for a number that is no longer than there is room for. */
static u32 place_for(u32 limbs)
{
	u32 place = digits.spare[limbs];

	if (place) {
		digits.spare[limbs] = digits.limbs[place - 1];
		return place - 1;
	}
	digits.used += limbs;
	return digits.used - limbs;
}

static void give_back(const struct number *number)
{
	digits.limbs[number->start] = digits.spare[number->limbs];
	digits.spare[number->limbs] = number->start + 1;
}

/* The sum over the successors of a state; false without room. */
static bool sum_up(u32 state, struct number *runs)
{
	u32 limbs = edges_begin(state) == edges_end(state);

	for (u32 e = edges_begin(state); e < edges_end(state); e++)
		if (runs[graph.target[e]].limbs > limbs)
			limbs = runs[graph.target[e]].limbs;
	if (!make_room(limbs + 1))
		return false;
	for (u32 i = 0; i <= limbs; i++)
		digits.sum[i] = 0;
	if (edges_begin(state) == edges_end(state))
		digits.sum[0] = 1;
	for (u32 e = edges_begin(state); e < edges_end(state); e++) {
		struct number *term = &runs[graph.target[e]];
		bool carry;

		if (!term->limbs)
			continue;
		carry = add(digits.sum, digits.limbs + term->start, term->limbs);
		for (u64 *limb = digits.sum + term->limbs; carry; limb++)
			carry = !++*limb;
		if (!--term->awaited)
			give_back(term);
	}
	limbs += !!digits.sum[limbs];
	runs[state].limbs = limbs;
	runs[state].start = place_for(limbs);
	memcpy(digits.limbs + runs[state].start, digits.sum, limbs * sizeof(u64));
	return true;
}

/* How many runs come to such an end, from the ends back. */
static bool count_runs(FILE *out, const char *name, u8 ends)
{
	struct number *runs;
	u32 i;

	if (endless & ends) {
		fprintf(out, ",\"%s\":\"inf\"", name);
		return true;
	}
	if (!(graph.can[0] & ends)) {
		print_number(out, name, NULL, 0);
		return true;
	}
	runs = calloc(graph.count, sizeof(*runs));
	for (u32 e = 0; runs && e < graph.edge_count; e++)
		runs[graph.target[e]].awaited++;
	for (i = 0; runs && i < graph.count && !graph_over(); i++)
		if (graph.can[order[i]] & ends && !sum_up(order[i], runs))
			break;
	if (i == graph.count)
		print_number(out, name, digits.limbs + runs[0].start, runs[0].limbs);
	free(runs);
	return i == graph.count;
}

/* How many runs end within so many steps, cycles or not: step by step, forward. */
static void count_steps(FILE *out, u32 steps)
{
	bool fits = false;

	for (u32 limbs = 2; !fits; limbs *= 2) {
		size_t size = (size_t)graph.count * limbs * sizeof(u64);
		u64 *at = calloc(1, size), *then = calloc(1, size);
		u64 *ended = calloc(limbs, sizeof(u64));

		fits = true;
		if (at && then && ended)
			at[0] = 1;
		else
			job_stopped = 1;
		for (u32 step = 0; step <= steps && fits && !job_stopped; step++) {
			u64 *swap = at;

			memset(then, 0, size);
			for (u32 s = 0; s < graph.count && fits && !graph_over(); s++) {
				u64 *from = at + (size_t)s * limbs;

				if (edges_begin(s) == edges_end(s))
					fits = !add(ended, from, limbs);
				for (u32 e = edges_begin(s); e < edges_end(s); e++)
					fits &= !add(then + (size_t)graph.target[e] * limbs, from,
						     limbs);
			}
			at = then;
			then = swap;
		}
		if (fits && !job_stopped)
			print_number(out, "within", ended, limbs);
		fits |= job_stopped;
		free(at), free(then), free(ended);
	}
}

/* States are numbered as edges come to them. */
static void find_parents(void)
{
	u32 found = 1;

	parents = graph.count ? malloc((size_t)graph.count * sizeof(*parents)) : NULL;
	if (!parents)
		return;
	parents[0] = NONE;
	for (u32 s = 0; s < graph.count; s++)
		for (u32 e = edges_begin(s); e < edges_end(s); e++)
			if (graph.target[e] == found)
				parents[found++] = s;
}

/*
 * The actions on the shortest way to a state, and the first step after which no run ends well; no
 * way if memory has run out.
 */
static u32 way_to(u32 state, u8 **actions, u32 *no_return, bool whole)
{
	u32 length = 0, s, i, e;

	*no_return = NONE;
	for (s = state; parents && parents[s] != NONE; s = parents[s])
		length++;
	*actions = malloc(length + 1);
	if (!parents || !*actions)
		return 0;
	for (s = state, i = length;; s = parents[s], i--) {
		if (whole && !(graph.can[s] & GOOD))
			*no_return = i;
		if (parents[s] == NONE)
			break;
		for (e = edges_begin(parents[s]); graph.target[e] != s; e++)
			;
		(*actions)[i - 1] = graph.action[e];
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
		return graph_finding(machine_finding());
	return graph_finding(&deadlock);
}

/* The states of the ways to the findings, then those around them, nearest first: all, if there is
 * room. */
static u32 choose(u32 *chosen, u8 *taken, u32 most)
{
	u32 count = 0;

	chosen[count++] = 0;
	taken[0] = 1;
	for (u32 i = 0; i < finding_count; i++)
		for (u32 s = findings[i].state; !taken[s] && count < most; s = parents[s]) {
			taken[s] = 1;
			chosen[count++] = s;
		}
	for (u32 i = 0; i < count; i++)
		for (u32 e = edges_begin(chosen[i]); e < edges_end(chosen[i]) && count < most; e++)
			if (!taken[graph.target[e]]) {
				taken[graph.target[e]] = 1;
				chosen[count++] = graph.target[e];
			}
	return count;
}

static void print_graph(FILE *out, u32 most)
{
	u32 *chosen = malloc((size_t)graph.count * sizeof(u32)), count;
	u8 *taken = calloc(1, graph.count);

	if (!chosen || !taken || !parents)
		return;
	count = choose(chosen, taken, most);
	fprintf(out, ",\"graph\":[");
	for (u32 i = 0; i < count && !(i && graph_late()); i++) {
		u32 s = chosen[i];

		fprintf(out, "%s{\"number\":%u,\"can\":%u,\"edges\":[", i ? "," : "", s,
			graph.can[s]);
		for (u32 e = edges_begin(s); e < edges_end(s); e++)
			fprintf(out, "%s[%u,%u]", e > edges_begin(s) ? "," : "", graph.action[e],
				graph.target[e]);
		fprintf(out, "]");
		if (graph_load(s)) {
			fprintf(out, ",");
			report_state(out);
		}
		if (graph.can[s] == BAD && edges_begin(s) == edges_end(s))
			fprintf(out, ",\"finding\":%u", finding_at(s));
		fprintf(out, "}");
	}
	fprintf(out, "]");
	free(chosen), free(taken);
}

static int earlier(const void *a, const void *b)
{
	const struct found *x = a, *y = b;

	return x->state < y->state ? -1 : x->state > y->state;
}

static void print_race(FILE *out, const struct race *race)
{
	const struct access *a = &race->a, *b = &race->b;

	fprintf(out, "{\"a\":[%u,%u,%u,%ld],\"b\":[%u,%u,%u,%ld],\"size\":%u,", race->thread_a,
		a->kind, a->marked, (long)((u64)a->pc - machine_base()), race->thread_b, b->kind,
		b->marked, (long)((u64)b->pc - machine_base()),
		a->size < b->size ? a->size : b->size);
	graph_load(race->state);
	report_place(out, a->address > b->address ? a->address : b->address);
	print_way(out, race->state, false);
	fprintf(out, "}");
}

static void tell_nobody(u32 count)
{
	(void)count;
}

void explore_stacks(const struct limits *limits)
{
	graph_build(limits, tell_nobody);
}

void explore(const struct limits *limits, void (*progress)(u32), FILE *out)
{
	bool whole = graph_build(limits, progress);

	graph_built();
	whole = !job_stopped && analyse() && whole && !machine_full;
	report_header(out);
	if (whole && livelock_state != NONE) {
		struct finding finding = { .trouble = LIVELOCK, .thread = THREADS };

		findings[graph_finding(&finding)].state = livelock_state;
	}
	if (whole)
		whole = count_runs(out, "interleavings", GOOD | BAD) && count_runs(out, "bad", BAD);
	free(digits.limbs), free(digits.sum), free(digits.spare), free(order);
	if (whole && limits->steps)
		count_steps(out, limits->steps);
	fprintf(out, ",\"complete\":%s,\"states\":%u,\"transitions\":%u", whole ? "true" : "false",
		graph.count, graph.edge_count);
	if (finding_count || race_count || limits->graph)
		find_parents();
	qsort(findings, finding_count, sizeof(findings[0]), earlier);
	if (limits->graph)
		print_graph(out, limits->graph);
	fprintf(out, ",\"findings\":[");
	for (u32 i = 0; i < finding_count && !(i && graph_late()); i++) {
		fprintf(out, i ? ",{" : "{");
		report_finding(out, &findings[i].finding);
		print_way(out, findings[i].state, whole);
		fprintf(out, "}");
	}
	fprintf(out, "],\"races\":[");
	for (u32 i = 0; i < race_count && !graph_late(); i++) {
		if (i)
			fputc(',', out);
		print_race(out, &races[i]);
	}
	fprintf(out, "]}");
}
