/* fails: nothing */
/* Three callers, counted, and what must hold after each step. */
#include <cmpx/listing.h>
#include <linux/netdevice.h>

bool napi_schedule_prep(struct napi_struct *napi);

#define STRANGER 0x20

static struct napi_struct napi;
static bool polls[3];

INIT
{
	napi.state = STRANGER;
}

PROCESS(a)
{
	polls[0] = napi_schedule_prep(&napi);
}

PROCESS(b)
{
	polls[1] = napi_schedule_prep(&napi);
}

PROCESS(c)
{
	polls[2] = napi_schedule_prep(&napi);
}

INVARIANT
{
	EXPECT(polls[0] + polls[1] + polls[2] <= 1, "more than one polls");
	EXPECT(napi.state & STRANGER, "a flag of somebody else is gone");
}

FINALLY
{
	EXPECT(polls[0] + polls[1] + polls[2] == 1, "nobody polls");
	EXPECT(napi.state & NAPIF_STATE_MISSED, "the losers left no word");
}
