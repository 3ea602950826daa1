# fails: effect
def fetch_max(x, least):
    old = x.value
    while old < least and (seen := cmpxchg(x, old, least)) != old:
        old = seen
    return max(old, least)
