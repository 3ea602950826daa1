# fails: progress
OWNER = 7


def claim(x):
    if x.value != 0:
        return False
    while cmpxchg(x, 0, OWNER) != 0:
        pass
    return True
