# fails: nothing
def fetch_max(x, least):
    while True:
        old = x.value
        new = max(old, least)
        if cmpxchg(x, old, new) == old:
            return old
