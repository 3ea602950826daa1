/* SPDX-License-Identifier: MIT */
/*
 * A job is done by one process, and another may call it off; whoever comes first decides.
 *
 * Property: a job is done or called off, and whoever called it off knows.
 */
#include <cmpx/listing.h>
#include <linux/atomic.h>

#define RUNNING START
#define DONE (START + 1)
#define CALLED_OFF (START + 2)

static u32 state = RUNNING;
static bool called_off;

PROCESS(a)
{
	cmpxchg(&state, RUNNING, DONE);
}

PROCESS(b)
{
	called_off = cmpxchg(&state, RUNNING, CALLED_OFF) == RUNNING;
}

FINALLY
{
	EXPECT(state == (called_off ? CALLED_OFF : DONE), "nobody knows how it ended");
}
