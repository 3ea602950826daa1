# fails: nothing
import cmpx


def fetch_or(x, mask):
    seen = cmpx.cmpxchg(x, 0, 0)
    old = None
    while seen != old:
        old = seen
        seen = cmpx.cmpxchg(x, old, old | mask)
    return seen
