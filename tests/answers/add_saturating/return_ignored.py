# fails: effect
LIMIT = 200


def add_saturating(x, n):
    old = x.value
    cmpxchg(x, old, min(old + n, LIMIT))
    return old
