/* SPDX-License-Identifier: MIT */
/* Between worker.c, which guards, and what it guards. */
#ifndef CMPX_JOBS_H
#define CMPX_JOBS_H

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>

/* The value of a field of a job, "name=value" lines that end in NUL. */
const char *job_field(const char *job, const char *name, const char *otherwise);

/* Tells the reader how far a job is. */
void job_progress(unsigned long count);

/* Set when the reader, or a limit, wants the job to end. */
extern volatile sig_atomic_t job_stopped;

/* Text as a JSON string; NULL as an empty one. */
void job_string(FILE *out, const char *text);

/* Tells the reader how things stand, if that fits into one packet and somebody reads. */
void job_offer(const char *text, size_t size);

/* Answers at once, for a job that cannot return, and ends the process. */
__attribute__((noreturn)) void job_answer(const char *text, size_t size);

/* What is done before the sandbox closes and anything of the listing has run. */
bool job_prepare(void);

/* Runs behind the sandbox and prints the answer, one JSON object. */
void job_run(const char *job, FILE *out);

#endif
