# fails: nothing
def fetch_or(x, mask, old=None):
    if old is None:
        old = x.value
    seen = cmpxchg(x, old, old | mask)
    return old if seen == old else fetch_or(x, mask, seen)
