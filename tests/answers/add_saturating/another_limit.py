# fails: safety effect
# The limit of no variant.
TOP = 255


def add_saturating(x, n):
    old = x.value
    while (seen := cmpxchg(x, old, min(old + n, TOP))) != old:
        old = seen
    return seen
