# fails: safety
LIMIT = 200


def add_saturating(x, n):
    old = x.value
    new = min(old + n, LIMIT)
    while (seen := cmpxchg(x, old, new)) != old:
        old = seen
    return old
