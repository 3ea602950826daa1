# fails: safety
OWNER = 7


def claim(x):
    old = x.value
    if old != 0:
        return False
    while (seen := cmpxchg(x, old, OWNER)) != old:
        old = seen
    return True
