# fails: progress
def fetch_or(x, mask):
    old = x.value
    if cmpxchg(x, old, old | mask) != old:
        while True:
            pass
    return old
