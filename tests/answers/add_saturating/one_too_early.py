# fails: safety effect
LIMIT = 200


def add_saturating(x, n):
    old = x.value
    while (seen := cmpxchg(x, old, old + n if old + n < LIMIT - 1 else LIMIT)) != old:
        old = seen
    return old
