# fails: nothing
import cmpx

OWNER = 7


def swapped(word, old, new):
    return cmpx.cmpxchg(word, old, new) == old


def claim(x):
    return True if swapped(x, 0, OWNER) else False
