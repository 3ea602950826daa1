# fails: effect
def fetch_max(x, least):
    first = old = x.value
    while (seen := cmpxchg(x, old, max(old, least))) != old:
        old = seen
    return first
