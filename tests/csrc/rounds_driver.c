/* SPDX-License-Identifier: MIT */
/* Races one built listing, rounds of it as asked, outside the sandbox, and prints the answer. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../csrc/jobs.h"

volatile sig_atomic_t job_stopped;

static char **arguments;

const char *job_field(const char *job, const char *name, const char *otherwise)
{
	(void)job;
	return !strcmp(name, "path")   ? arguments[1] :
	       !strcmp(name, "rounds") ? arguments[2] :
	       !strcmp(name, "places") ? arguments[3] :
					 otherwise;
}

void job_string(FILE *out, const char *text)
{
	fprintf(out, "\"%s\"", text);
}

void job_offer(const char *text, size_t size)
{
	(void)text;
	(void)size;
}

void job_answer(const char *text, size_t size)
{
	fwrite(text, 1, size, stdout);
	fflush(stdout);
	_Exit(0);
}

int main(int count, char **values)
{
	arguments = values;
	if (count != 4 || !job_prepare())
		return 2;
	job_run("", stdout);
	return 1;
}
