# fails: safety constraints
from cmpx import xchg


def fetch_or(x, mask):
    old = x.value
    return xchg(x, old | mask)
