/* SPDX-License-Identifier: MIT */
/* The machine's state, steps and findings as JSON. Program counters are offsets in the listing. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "explore.h"
#include "jobs.h"

static void report_hex(FILE *out, const u8 *bytes, size_t size)
{
	fputc('"', out);
	for (size_t i = 0; i < size; i++)
		fprintf(out, "%02x", bytes[i]);
	fputc('"', out);
}

static long offset_of(const void *pc)
{
	return (long)((u64)pc - machine_base());
}

void report_place(FILE *out, const u8 *address)
{
	u64 offset;
	int block = machine_block(address, &offset), owner = machine_owner(address);

	fprintf(out, "\"at\":%lu", (u64)address);
	if (block >= 0)
		fprintf(out, ",\"block\":[%d,%lu]", block, offset);
	if (owner >= 0)
		fprintf(out, ",\"stack\":[%d,%lu]", owner, machine_depth(address));
}

static void report_access(FILE *out, const struct access *access)
{
	fprintf(out,
		"\"kind\":%u,\"pc\":%ld,\"size\":%u,\"marked\":%u,\"hidden\":%u,\"operand\":%lu,\"expected\":%lu,",
		access->kind, offset_of(access->pc), access->size, access->marked, access->hidden,
		access->operand, access->expected);
	report_place(out, access->address);
}

void report_finding(FILE *out, const struct finding *finding)
{
	fprintf(out,
		"\"trouble\":%u,\"thread\":%u,\"number\":%u,\"pc\":%ld,\"size\":%lu,\"condition\":",
		finding->trouble, finding->thread, finding->number, offset_of(finding->pc),
		finding->size);
	job_string(out, finding->condition);
	fprintf(out, ",\"message\":");
	job_string(out, finding->message);
	fputc(',', out);
	report_place(out, finding->address);
}

void report_header(FILE *out)
{
	size_t size;

	fprintf(out, "{\"base\":%lu,\"data\":%lu,", machine_base(), (u64)machine_data(&size));
	fprintf(out, "\"arena\":%lu,\"processes\":[", (u64)machine_arena(&size));
	for (unsigned i = 0; i < machine_processes; i++) {
		if (i)
			fputc(',', out);
		job_string(out, machine_process(i));
	}
	fputc(']', out);
}

/* What the locals of a process can be read from. */
static void report_stack(FILE *out, unsigned thread)
{
	size_t size;
	const u8 *bytes = machine_stack(thread, &size);

	fprintf(out, "\"stands\":%ld,\"sp\":%lu,\"bytes\":", offset_of(machine_stands(thread)),
		(u64)bytes);
	report_hex(out, bytes, size);
}

void report_state(FILE *out)
{
	const u8 *bytes;
	size_t size;

	fprintf(out, "\"enabled\":%u,\"globals\":", machine_enabled());
	bytes = machine_data(&size);
	report_hex(out, bytes, size);
	fprintf(out, ",\"heap\":");
	bytes = machine_arena(&size);
	report_hex(out, bytes, size);
	fprintf(out, ",\"threads\":[");
	for (unsigned i = 0; i < machine_processes; i++) {
		fprintf(out, i ? ",{" : "{");
		report_access(out, machine_pending(i));
		fputc(',', out);
		report_stack(out, i);
		fprintf(out, ",\"buffer\":[");
		for (u32 store = 0; store < machine_buffered(i); store++) {
			fprintf(out, store ? ",{" : "{");
			report_access(out, machine_oldest(i) + store);
			fprintf(out, "}");
		}
		fprintf(out, "]}");
	}
	fprintf(out, "]");
}

/* What a buffered store will find. */
static u64 in_memory(const struct access *store)
{
	u64 value = 0;

	memcpy(&value, store->address, store->size);
	return value;
}

/* A value that points into the arena or a stack, as the place it points to. */
static void report_pointer(FILE *out, const char *name, u64 value)
{
	u64 offset;

	if (machine_block((u8 *)value, &offset) < 0 && machine_owner((u8 *)value) < 0)
		return;
	fprintf(out, "\"%s\":{", name);
	report_place(out, (u8 *)value);
	fprintf(out, "},");
}

/* The stacks as they are before a step: it may leave the function whose local it touches. */
static void keep_stacks(char *stacks[])
{
	for (unsigned i = 0; i < machine_processes; i++) {
		size_t size;
		FILE *out = open_memstream(&stacks[i], &size);

		fprintf(out, "{\"thread\":%u,", i);
		report_stack(out, i);
		fprintf(out, "}");
		fclose(out);
	}
}

/* Those that one of the addresses lies on. */
static void report_stacks(FILE *out, char *stacks[], const u64 *addresses, unsigned count)
{
	const char *before = "";

	fprintf(out, ",\"stacks\":[");
	for (int i = 0; i < (int)machine_processes; i++) {
		bool met = false;

		for (unsigned n = 0; n < count; n++)
			met |= machine_owner((u8 *)addresses[n]) == i;
		if (met) {
			fprintf(out, "%s%s", before, stacks[i]);
			before = ",";
		}
		free(stacks[i]);
	}
	fprintf(out, "]");
}

/* One step, taken; false when it is the last, for whatever reason. */
static bool report_step(FILE *out, unsigned action, bool states)
{
	unsigned thread = action % THREADS;
	char *stacks[THREADS];
	struct access access =
		action < THREADS ? *machine_pending(thread) : *machine_oldest(thread);
	u64 before = action < THREADS ? machine_peek(thread, access.address, access.size) :
					in_memory(&access);
	enum trouble trouble = (keep_stacks(stacks), machine_step(action));
	u64 after = machine_peek(thread, access.address, access.size);
	u64 met[] = { (u64)access.address, before, after, access.expected };
	struct finding finding = *machine_finding();

	fprintf(out, "{\"action\":%u,\"before\":%lu,\"after\":%lu,\"trouble\":%u,", action, before,
		after, trouble);
	if (access.size == sizeof(void *)) {
		report_pointer(out, "before_to", before);
		report_pointer(out, "after_to", after);
		report_pointer(out, "expected_to", access.expected);
	}
	report_access(out, &access);
	report_stacks(out, stacks, met, access.size == sizeof(void *) ? 4 : 1);
	if (states) {
		fputc(',', out);
		report_state(out);
	}
	if (!trouble && machine_has_invariant() && machine_invariant())
		trouble = EXPECT;
	else if (!trouble && machine_finished() && machine_finally())
		trouble = EXPECT;
	if (trouble) {
		fprintf(out, ",\"finding\":{");
		report_finding(out, finding.trouble ? &finding : machine_finding());
		fprintf(out, "}");
	}
	fputc('}', out);
	return !trouble;
}

void report_steps(FILE *out, const u8 *actions, u32 count, bool states)
{
	bool going = !machine_reset();

	fputc('[', out);
	for (u32 i = 0; i < count && going && machine_enabled() & 1u << actions[i]; i++) {
		if (i)
			fputc(',', out);
		going = report_step(out, actions[i], states);
	}
	fputc(']', out);
}

/* The action that a word such as "b", "b*3", "b~" or "b~*3" stands for, or -1. */
static int action_of(const char *word, unsigned long *times)
{
	size_t name = 0;
	const char *rest;
	char *end;

	while (isalnum((unsigned char)word[name]) || word[name] == '_')
		name++;
	rest = word + name + (word[name] == '~');
	*times = 1;
	end = (char *)rest;
	if (*rest == '*')
		*times = strtoul(rest + 1, &end, 10);
	if ((*end && *end != ' ') || *times < 1 || *times > 100000)
		return -1;
	for (unsigned i = 0; i < machine_processes; i++)
		if (strlen(machine_process(i)) == name && !memcmp(machine_process(i), word, name))
			return i + (word[name] == '~' ? THREADS : 0);
	return -1;
}

void replay(const char *schedule, bool states, FILE *out)
{
	u8 *actions = NULL;
	u32 count = 0;

	report_header(out);
	while (*(schedule += strspn(schedule, " "))) {
		unsigned long times;
		int action = action_of(schedule, &times);

		if (action < 0) {
			fprintf(out, ",\"wrong\":");
			job_string(out, schedule);
			break;
		}
		actions = realloc(actions, count + times);
		memset(actions + count, action, times);
		count += times;
		schedule += strcspn(schedule, " ");
	}
	if (states) {
		fprintf(out, ",\"start\":{");
		if (machine_reset())
			report_finding(out, machine_finding());
		else
			report_state(out);
		fprintf(out, "}");
	}
	fprintf(out, ",\"length\":%u,\"steps\":", count);
	report_steps(out, actions, count, states);
	fprintf(out, "}");
	free(actions);
}
