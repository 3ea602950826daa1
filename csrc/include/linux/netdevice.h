/* SPDX-License-Identifier: MIT */
/* Of a network device's poller, the word that says who polls. */
#ifndef _LINUX_NETDEVICE_H
#define _LINUX_NETDEVICE_H

#include <linux/atomic.h>

enum {
	NAPI_STATE_SCHED, /* somebody polls, or is about to */
	NAPI_STATE_MISSED, /* poll again when done */
	NAPI_STATE_DISABLE,
};

enum {
	NAPIF_STATE_SCHED = BIT(NAPI_STATE_SCHED),
	NAPIF_STATE_MISSED = BIT(NAPI_STATE_MISSED),
	NAPIF_STATE_DISABLE = BIT(NAPI_STATE_DISABLE),
};

struct napi_struct {
	unsigned long state;
};

#endif
