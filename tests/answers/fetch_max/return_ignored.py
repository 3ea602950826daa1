# fails: effect
def fetch_max(x, least):
    old = x.value
    cmpxchg(x, old, max(old, least))
    return old
