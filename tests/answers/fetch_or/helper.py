# fails: nothing
from cmpx import cmpxchg, u8


def update(x, change):
    old = x.value
    while (seen := cmpxchg(x, old, change(old))) != old:
        old = seen
    return old


def fetch_or(x, mask):
    return update(x, lambda old: old | mask)


x = u8(5)
fetch_or(x, 3)
print(x.value)
