/* SPDX-License-Identifier: MIT */
/* The state graph of a loaded listing, and what it says. Each function prints one JSON object. */
#ifndef CMPX_EXPLORE_H
#define CMPX_EXPLORE_H

#include <stdio.h>

#include "machine.h"

struct limits {
	u32 states;
	double seconds;
	u32 steps; /* not 0: also count the runs that end within so many steps */
	u32 graph; /* print so many states of the graph, those on and around failing runs first */
};

void explore(const struct limits *limits, void (*progress)(u32 states), FILE *out);

/* Learns which stack bytes the processes share, as far as the limits allow: a replay needs to know.
 */
void explore_stacks(const struct limits *limits);

/* report.c: the pieces of JSON that explore, replay and call share. */
/* Where an address lies, if not among the globals: an arena block or a stack. */
void report_place(FILE *out, const u8 *address);
void report_finding(FILE *out, const struct finding *finding);
void report_state(FILE *out);
void report_header(FILE *out);

/* Takes actions one by one from the start and prints each step. */
void report_steps(FILE *out, const u8 *actions, u32 count, bool states);

/* Takes a schedule such as "a b*2 a~" (a~: a's oldest store leaves its buffer). */
void replay(const char *schedule, bool states, FILE *out);

#endif
