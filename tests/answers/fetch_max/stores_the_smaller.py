# fails: safety effect
def fetch_max(x, least):
    old = x.value
    while (seen := cmpxchg(x, old, min(old, least))) != old:
        old = seen
    return old
