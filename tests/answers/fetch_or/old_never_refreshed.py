# fails: progress
def fetch_or(x, mask):
    old = x.value
    while cmpxchg(x, old, old | mask) != old:
        pass
    return old
