# fails: safety effect constraints
from cmpx import xchg


OWNER = 7


def claim(x):
    return xchg(x, OWNER) == 0
