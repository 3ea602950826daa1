/* fails: all */
#include <cmpx/listing.h>
#include <linux/atomic.h>

/* your code here */
