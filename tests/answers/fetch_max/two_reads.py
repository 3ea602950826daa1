# fails: safety
def fetch_max(x, least):
    while True:
        old = x.value
        new = max(old, least)
        old = x.value
        if cmpxchg(x, old, new) == old:
            return old
