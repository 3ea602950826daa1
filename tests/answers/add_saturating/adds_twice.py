# fails: safety
LIMIT = 200


def add_saturating(x, n):
    while True:
        old = x.value
        cmpxchg(x, old, min(old + n, LIMIT))
        if x.value == min(old + n, LIMIT):
            return old
