# fails: safety effect progress
LIMIT = 200


def add_saturating(x, n):
    first = x.value
    for _step in range(n):
        while True:
            old = x.value
            if old == LIMIT:
                return first
            if cmpxchg(x, old, old + 1) == old:
                break
    return first
