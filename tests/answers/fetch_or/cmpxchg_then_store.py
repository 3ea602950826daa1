# fails: safety constraints
def fetch_or(x, mask):
    old = x.value
    if cmpxchg(x, old, old | mask) != old:
        old = x.value
        x.value = old | mask
    return old
