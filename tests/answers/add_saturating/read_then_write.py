# fails: safety constraints
LIMIT = 200


def add_saturating(x, n):
    old = x.value
    x.value = min(old + n, LIMIT)
    return old
