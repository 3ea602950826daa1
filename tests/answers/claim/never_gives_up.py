# fails: effect progress
OWNER = 7


def claim(x):
    while cmpxchg(x, 0, OWNER) != 0:
        pass
    return True
