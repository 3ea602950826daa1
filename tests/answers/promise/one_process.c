/* fails: safety constraints */
#include <cmpx/listing.h>
#include <linux/netdevice.h>

bool napi_schedule_prep(struct napi_struct *napi);

#define STRANGER 0x20

static struct napi_struct napi;
static bool polls_a, polls_b;

INIT
{
	napi.state = STRANGER;
}

PROCESS(a)
{
	polls_a = napi_schedule_prep(&napi);
	polls_b = napi_schedule_prep(&napi);
}

PROCESS(b)
{
	cpu_relax();
}

FINALLY
{
	EXPECT(!(polls_a && polls_b), "both poll");
	EXPECT(polls_a || polls_b, "nobody polls");
	EXPECT(napi.state == (STRANGER | NAPIF_STATE_SCHED | NAPIF_STATE_MISSED),
	       "the second call is lost");
}
