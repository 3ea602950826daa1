# fails: effect
OWNER = 7


def claim(x):
    cmpxchg(x, 0, OWNER)
    return x.value == OWNER
