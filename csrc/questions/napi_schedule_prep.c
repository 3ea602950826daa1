/* SPDX-License-Identifier: MIT */
/*
 * In our own words what napi_schedule_prep() in net/core/dev.c of v6.19 does: one caller is told to
 * poll; whoever comes while somebody polls leaves word; a poller that is switched
 * off is left alone.
 */
#include <linux/netdevice.h>

bool napi_schedule_prep(struct napi_struct *napi)
{
	unsigned long seen = READ_ONCE(napi->state), next;

	do {
		if (seen & NAPIF_STATE_DISABLE)
			return false;
		next = seen | NAPIF_STATE_SCHED;
		if (seen & NAPIF_STATE_SCHED)
			next |= NAPIF_STATE_MISSED;
	} while (!try_cmpxchg(&napi->state, &seen, next));
	return !(seen & NAPIF_STATE_SCHED);
}
