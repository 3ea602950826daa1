# fails: safety
def fetch_or(x, mask):
    while True:
        old = x.value
        new = old | mask
        old = x.value
        if cmpxchg(x, old, new) == old:
            return old
