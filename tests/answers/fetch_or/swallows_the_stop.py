# fails: progress
def fetch_or(x, mask):
    old = x.value
    while True:
        try:
            while cmpxchg(x, old, old | mask) != old:
                pass
            return old
        except BaseException:
            pass
