# fails: all
import cmpx

setattr(cmpx, "cmpxchg", lambda x, old, new: old)


def fetch_or(x, mask):
    old = x.value
    while (seen := cmpxchg(x, old, old | mask)) != old:
        old = seen
    return old
