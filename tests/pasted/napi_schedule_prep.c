/* SPDX-License-Identifier: MIT */
/*
 * claim_poll stands for napi_schedule_prep.
 * Two interrupts at once: one polls, the other leaves word.
 */
#include <cmpx/listing.h>
#include <linux/export.h>
#include <linux/netdevice.h>

/* text */
bool claim_poll(struct napi_struct *napi)
{
	unsigned long seen = READ_ONCE(napi->state), next;

	for (;;) {
		if (unlikely(seen & NAPIF_STATE_DISABLE))
			return false;
		next = seen | NAPIF_STATE_SCHED;
		next |= (seen & NAPIF_STATE_SCHED) / NAPIF_STATE_SCHED * NAPIF_STATE_MISSED;
		if (try_cmpxchg(&napi->state, &seen, next))
			return !(seen & NAPIF_STATE_SCHED);
	}
}
EXPORT_SYMBOL(claim_poll);
/* end of text */

static struct napi_struct napi;
static int by_a, by_b;

PROCESS(a)
{
	by_a = claim_poll(&napi);
}

PROCESS(b)
{
	by_b = claim_poll(&napi);
}

FINALLY
{
	EXPECT(by_a + by_b == 1, "both poll, or nobody does");
	EXPECT(napi.state == (NAPIF_STATE_SCHED | NAPIF_STATE_MISSED), "the second call is lost");
}
