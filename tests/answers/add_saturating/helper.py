# fails: nothing
from cmpx import cmpxchg, u8

LIMIT = 200



def update(x, change):
    old = x.value
    while (seen := cmpxchg(x, old, change(old))) != old:
        old = seen
    return old


def add_saturating(x, n):
    return update(x, lambda old: min(old + n, LIMIT))


x = u8(5)
add_saturating(x, 3)
print(x.value)
