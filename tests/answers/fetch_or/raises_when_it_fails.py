# fails: effect
def fetch_or(x, mask):
    old = x.value
    if cmpxchg(x, old, old | mask) != old:
        raise RuntimeError("somebody was faster")
    return old
