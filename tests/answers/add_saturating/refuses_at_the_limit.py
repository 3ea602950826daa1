# fails: effect
LIMIT = 200


def add_saturating(x, n):
    while True:
        old = x.value
        if old + n > LIMIT:
            return old
        if cmpxchg(x, old, old + n) == old:
            return old
