# fails: all
import os


def fetch_or(x, mask):
    old = x.value
    if cmpxchg(x, old, old | mask) != old:
        os._exit(0)
    return old
