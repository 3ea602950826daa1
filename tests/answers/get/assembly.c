/* fails: all */
/* Assembly under another name, and behind an empty template. */
#include <linux/atomic.h>

#define INCREMENT "movl (%1),%0\n\ttestl %0,%0\n\tjz 1f\n\tcmpl $0xC0000000,%0\n\tje 1f\n\tincl (%1)\n1:"
#define JOINED(a, b) a##b

bool get(u32 *count)
{
	u32 old;

	JOINED(a, sm)("" INCREMENT : "=&r"(old) : "r"(count) : "memory");
	return old;
}
