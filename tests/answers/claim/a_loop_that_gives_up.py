# fails: nothing
OWNER = 7


def claim(x):
    while x.value == 0:
        if cmpxchg(x, 0, OWNER) == 0:
            return True
    return False
