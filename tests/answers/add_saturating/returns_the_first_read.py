# fails: effect
LIMIT = 200


def add_saturating(x, n):
    first = old = x.value
    while (seen := cmpxchg(x, old, min(old + n, LIMIT))) != old:
        old = seen
    return first
