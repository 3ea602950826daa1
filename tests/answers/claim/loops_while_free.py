# fails: nothing
# A loop that a failure ends: what it has seen is not 0.
OWNER = 7


def claim(x):
    seen = x.value
    while seen == 0:
        seen = cmpxchg(x, 0, OWNER)
        if seen == 0:
            return True
    return False
