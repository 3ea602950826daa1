# fails: safety constraints
def fetch_or(x, mask):
    old = x.value
    x.value = old | mask
    return old
