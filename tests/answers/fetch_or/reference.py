# fails: nothing
def fetch_or(x, mask):
    old = x.value
    while (seen := cmpxchg(x, old, old | mask)) != old:
        old = seen
    return old
