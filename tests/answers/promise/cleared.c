/* fails: nothing */
#include <cmpx/listing.h>
#include <linux/netdevice.h>

#define STRANGER 0x20

bool napi_schedule_prep(struct napi_struct *napi);

static struct napi_struct napi;
static atomic_t turns, words;

INIT
{
	napi.state = STRANGER;
}

static void interrupt(void)
{
	if (!napi_schedule_prep(&napi)) {
		atomic_inc(&words);
		return;
	}
	EXPECT(atomic_inc_return(&turns) == 1, "two poll at once");
	atomic_dec(&turns);
	if (xchg(&napi.state, STRANGER) & NAPIF_STATE_MISSED)
		atomic_dec(&words);
}

PROCESS(a)
{
	interrupt();
}

PROCESS(b)
{
	interrupt();
}

FINALLY
{
	EXPECT(napi.state == STRANGER, "somebody polls on");
	EXPECT(!atomic_read(&words), "word was left that nobody found");
}
