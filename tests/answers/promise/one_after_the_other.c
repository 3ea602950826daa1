/* fails: safety */
#include <cmpx/listing.h>
#include <linux/netdevice.h>

bool napi_schedule_prep(struct napi_struct *napi);

#define STRANGER 0x20

static struct napi_struct napi;
static bool polls_a, polls_b, done;

INIT
{
	napi.state = STRANGER;
}

PROCESS(a)
{
	polls_a = napi_schedule_prep(&napi);
	WRITE_ONCE(done, true);
}

PROCESS(b)
{
	if (READ_ONCE(done))
		polls_b = napi_schedule_prep(&napi);
	else
		polls_b = true;
}

FINALLY
{
	EXPECT(polls_a, "the first one is told no");
	if (!polls_b)
		EXPECT(napi.state == (STRANGER | NAPIF_STATE_SCHED | NAPIF_STATE_MISSED),
		       "the second call is lost");
}
