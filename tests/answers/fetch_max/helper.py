# fails: nothing
from cmpx import cmpxchg, u8


def update(x, change):
    old = x.value
    while (seen := cmpxchg(x, old, change(old))) != old:
        old = seen
    return old


def fetch_max(x, least):
    return update(x, lambda old: max(old, least))


x = u8(5)
fetch_max(x, 3)
print(x.value)
