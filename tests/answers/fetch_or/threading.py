# fails: constraints
import threading


def fetch_or(x, mask):
    with threading.Lock():
        old = x.value
        while (seen := cmpxchg(x, old, old | mask)) != old:
            old = seen
    return old
