# fails: progress
LIMIT = 200


def add_saturating(x, n):
    old = x.value
    while cmpxchg(x, old, min(old + n, LIMIT)) != old:
        pass
    return old
