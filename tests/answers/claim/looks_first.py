# fails: nothing
OWNER = 7


def claim(x):
    return x.value == 0 and cmpxchg(x, 0, OWNER) == 0
