# fails: progress
def fetch_max(x, least):
    old = x.value
    while cmpxchg(x, old, max(old, least)) != old:
        pass
    return old
