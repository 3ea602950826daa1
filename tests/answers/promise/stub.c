/* fails: all */
#include <cmpx/listing.h>
#include <linux/netdevice.h>

bool napi_schedule_prep(struct napi_struct *napi);

/* #define STRANGER with your value, then INIT, processes and claims. */
/* your code here */
