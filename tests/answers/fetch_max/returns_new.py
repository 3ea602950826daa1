# fails: effect
def fetch_max(x, least):
    old = x.value
    while (seen := cmpxchg(x, old, max(old, least))) != old:
        old = seen
    return max(old, least)
