# fails: effect
OWNER = 7


def claim(x):
    return cmpxchg(x, 0, OWNER) or OWNER
