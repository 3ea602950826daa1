# fails: safety constraints
OWNER = 7


def claim(x):
    if x.value != 0:
        return False
    x.value = OWNER
    return True
