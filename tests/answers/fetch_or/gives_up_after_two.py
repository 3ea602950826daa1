# fails: effect
def fetch_or(x, mask):
    for _attempt in range(2):
        old = x.value
        if cmpxchg(x, old, old | mask) == old:
            break
    return old
