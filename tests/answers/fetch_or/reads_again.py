# fails: nothing
def fetch_or(x, mask):
    while True:
        old = x.value
        new = old | mask
        if cmpxchg(x, old, new) == old:
            return old
