# fails: nothing
def fetch_or(x, mask):
    old = 0
    while (seen := cmpxchg(x, old, old | mask)) != old:
        old = seen
    return old
