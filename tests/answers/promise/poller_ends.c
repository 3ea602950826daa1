/* fails: nothing */
#include <cmpx/listing.h>
#include <linux/netdevice.h>

#define STRANGER 0x20

bool napi_schedule_prep(struct napi_struct *napi);

static struct napi_struct napi;
static int pollers;

INIT
{
	napi.state = STRANGER;
}

static void interrupt(void)
{
	if (!napi_schedule_prep(&napi))
		return;
	EXPECT(!pollers++, "two poll");
	pollers--;
}

PROCESS(a)
{
	interrupt();
}

PROCESS(b)
{
	interrupt();
}

INVARIANT
{
	EXPECT(napi.state & STRANGER, "a stranger's flag is lost");
}

FINALLY
{
	EXPECT(napi.state & NAPIF_STATE_MISSED, "no word is left");
}
