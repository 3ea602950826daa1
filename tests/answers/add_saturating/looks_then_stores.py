# fails: safety constraints
LIMIT = 200


def add_saturating(x, n):
    while True:
        old = x.value
        if x.value == old:
            x.value = min(old + n, LIMIT)
            return old
