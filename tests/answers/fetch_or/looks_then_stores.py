# fails: safety constraints
def fetch_or(x, mask):
    while True:
        old = x.value
        if x.value == old:
            x.value = old | mask
            return old
