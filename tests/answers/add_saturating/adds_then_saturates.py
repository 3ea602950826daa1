# fails: safety
LIMIT = 200


def add_saturating(x, n):
    old = x.value
    while (seen := cmpxchg(x, old, min(old + n, 255))) != old:
        old = seen
    while (seen := x.value) > LIMIT and cmpxchg(x, seen, LIMIT) != seen:
        pass
    return old
