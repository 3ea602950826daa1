# fails: safety
def fetch_or(x, mask):
    old = x.value
    new = old | mask
    while (seen := cmpxchg(x, old, new)) != old:
        old = seen
    return old
