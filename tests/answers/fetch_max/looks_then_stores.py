# fails: safety constraints
def fetch_max(x, least):
    while True:
        old = x.value
        if x.value == old:
            x.value = max(old, least)
            return old
