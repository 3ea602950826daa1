# fails: constraints
from cmpx import try_cmpxchg


def fetch_or(x, mask):
    ok, old = False, x.value
    while not ok:
        before = old
        ok, old = try_cmpxchg(x, old, old | mask)
    return before
