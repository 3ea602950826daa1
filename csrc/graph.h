/* SPDX-License-Identifier: MIT */
/* The state graph: graph.c builds it, explore.c reads it. States and edges go by number. */
#ifndef CMPX_GRAPH_H
#define CMPX_GRAPH_H

#include "explore.h"

#define NONE UINT32_MAX
#define FINDINGS 32
#define RACES 32

/* What a run from a state can still come to. */
enum { GOOD = 1, BAD = 2, UNKNOWN = 4 };

struct graph {
	u32 count; /* states; 0 is the start */
	u32 edge_count;
	u32 *first; /* where the edges of a state begin; one more at the end */
	u32 *target;
	u8 *action;
	u8 *can; /* of a state where runs end: how; UNKNOWN of one not looked into, else 0 */
};

/* A finding, and a first state that shows it. */
struct found {
	struct finding finding;
	u32 state;
};

struct race {
	struct access a, b;
	u32 thread_a, thread_b, state;
};

extern struct graph graph;
extern struct found findings[FINDINGS];
extern struct race races[RACES];
extern u32 finding_count, race_count;

/* True when the graph is whole. */
bool graph_build(const struct limits *limits, void (*progress)(u32 states));

/* Gives back what only building needs. */
void graph_built(void);

/* Puts the machine into a state; false for one that stands for a failed step. */
bool graph_load(u32 state);

/* The number of a finding; equal ones have one. */
u32 graph_finding(const struct finding *finding);

/* Whether to end at once, whatever there is to do: asked in every loop that may be long. */
bool graph_over(void);

/* The same for what is being printed, half a second later: what was found is worth that. */
bool graph_late(void);

#endif
