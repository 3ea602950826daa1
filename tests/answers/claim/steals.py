# fails: safety effect
OWNER = 7


def claim(x):
    old = x.value
    while (seen := cmpxchg(x, old, OWNER)) != old:
        old = seen
    return old == 0
