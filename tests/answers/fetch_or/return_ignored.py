# fails: effect
def fetch_or(x, mask):
    old = x.value
    cmpxchg(x, old, old | mask)
    return old
