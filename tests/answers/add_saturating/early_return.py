# fails: nothing
LIMIT = 200


def add_saturating(x, n):
    while True:
        old = x.value
        new = min(old + n, LIMIT)
        if new == old:
            return old
        if cmpxchg(x, old, new) == old:
            return old
