# fails: nothing
def fetch_max(x, least):
    old = 0
    while (seen := cmpxchg(x, old, max(old, least))) != old:
        old = seen
    return old
