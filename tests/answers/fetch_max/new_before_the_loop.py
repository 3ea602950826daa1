# fails: safety
def fetch_max(x, least):
    old = x.value
    new = max(old, least)
    while (seen := cmpxchg(x, old, new)) != old:
        old = seen
    return old
