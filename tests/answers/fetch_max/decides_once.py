# fails: safety
def fetch_max(x, least):
    old = x.value
    if old < least:
        while (seen := cmpxchg(x, old, least)) != old:
            old = seen
    return old
