/* SPDX-License-Identifier: MIT */
/*
 * An MCS lock: each waiter spins on a node of its own, which lies on its stack.
 *
 * Property: one holder at a time, so no increment is lost.
 * Effect: each process gets its turn.
 * Progress: the lock goes to the waiter that queued next.
 * Expect: sc holds, tso holds
 * Expect CPUS=3: sc holds
 */
#include <cmpx/listing.h>
#include <linux/atomic.h>

#ifndef CPUS
#define CPUS 2
#endif

struct node {
	struct node *next;
	int locked;
};

static struct node *tail;
static int turns;

static void mcs_lock(struct node *me)
{
	struct node *before;

	me->next = NULL;
	me->locked = 0;
	before = xchg(&tail, me);
	if (!before)
		return;
	WRITE_ONCE(before->next, me);
	smp_cond_load_acquire(&me->locked, VAL);
}

static void mcs_unlock(struct node *me)
{
	struct node *next = READ_ONCE(me->next);

	if (!next) {
		if (cmpxchg_release(&tail, me, NULL) == me)
			return;
		next = smp_cond_load_relaxed(&me->next, VAL);
	}
	smp_store_release(&next->locked, 1);
}

static void work(void)
{
	struct node me;

	mcs_lock(&me);
	turns++;
	mcs_unlock(&me);
}

PROCESS(a)
{
	work();
}

PROCESS(b)
{
	work();
}

#if CPUS > 2
PROCESS(c)
{
	work();
}
#endif

FINALLY
{
	EXPECT(turns == CPUS, "a turn is lost");
	EXPECT(!tail, "the lock is still taken");
}
