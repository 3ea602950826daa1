# fails: safety effect progress
OWNER = 7


def claim(x):
    won = cmpxchg(x, 0, OWNER) == 0
    cmpxchg(x, OWNER, 0)
    return won
