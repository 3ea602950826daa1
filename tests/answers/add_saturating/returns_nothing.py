# fails: effect
LIMIT = 200


def add_saturating(x, n):
    old = x.value
    while (seen := cmpxchg(x, old, min(old + n, LIMIT))) != old:
        old = seen
