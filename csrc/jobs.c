/* SPDX-License-Identifier: MIT */
/* What a job asks of the machine: check, replay or call. */
#include <stdlib.h>
#include <string.h>

#include "explore.h"
#include "jobs.h"

static void progress(u32 states)
{
	job_progress(states);
}

static void call(const char *job, FILE *out)
{
	u64 arguments[6] = { 0 }, result = 0;
	char *next = (char *)job_field(job, "arguments", "");
	enum trouble trouble;

	for (unsigned i = 0; i < 6 && *next; i++)
		arguments[i] = strtoull(next, &next, 16);
	report_header(out);
	trouble = machine_begin();
	fprintf(out, ",\"before\":{");
	report_state(out);
	if (!trouble)
		trouble = machine_call(strtoull(job_field(job, "function", "0"), NULL, 16),
				       arguments, &result);
	fprintf(out, "},\"result\":%lu,\"after\":{", result);
	report_state(out);
	fprintf(out, "}");
	if (trouble) {
		fprintf(out, ",\"finding\":{");
		report_finding(out, machine_finding());
		fprintf(out, "}");
	}
	fprintf(out, "}");
}

bool job_prepare(void)
{
	return machine_prepare();
}

void job_run(const char *job, FILE *out)
{
	const char *verb = job_field(job, "verb", ""), *why = "";

	machine_tso = !strcmp(job_field(job, "memory", "sc"), "tso");
	machine_fences = *job_field(job, "fences", "") == '1';
	if (!machine_load(job_field(job, "path", ""), &why)) {
		fprintf(out, "{\"unloadable\":");
		job_string(out, why);
		fprintf(out, "}");
	} else if (machine_processes > THREADS || machine_oversized()) {
		report_header(out);
		fprintf(out, ",\"oversized\":%d}", machine_oversized());
	} else if (!strcmp(verb, "replay")) {
		explore_stacks(&(struct limits){ .states = 100000, .seconds = 2 });
		replay(job_field(job, "schedule", ""), *job_field(job, "states", "") == '1', out);
	} else if (!strcmp(verb, "call")) {
		call(job, out);
	} else {
		struct limits limits = {
			.states = strtoul(job_field(job, "states", "0"), NULL, 10),
			.seconds = strtod(job_field(job, "seconds", "0"), NULL),
			.steps = strtoul(job_field(job, "steps", "0"), NULL, 10),
			.graph = strtoul(job_field(job, "graph", "0"), NULL, 10),
		};

		explore(&limits, progress, out);
	}
}
