# fails: safety
def fetch_or(x, mask):
    first = x.value
    for bit in 1, 2:
        old = x.value
        while mask >> bit & 1 and (seen := cmpxchg(x, old, old | 1 << bit)) != old:
            old = seen
    return first
