# fails: safety effect
LIMIT = 200


def add_saturating(x, n):
    old = x.value
    while (seen := cmpxchg(x, old, (old + n) & 0xFF)) != old:
        old = seen
    return old
