# fails: effect
def fetch_or(x, mask):
    first = old = x.value
    while (seen := cmpxchg(x, old, old | mask)) != old:
        old = seen
    return first
