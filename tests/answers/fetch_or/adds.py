# fails: safety effect
def fetch_or(x, mask):
    old = x.value
    while (seen := cmpxchg(x, old, (old + mask) & 0xFF)) != old:
        old = seen
    return old
