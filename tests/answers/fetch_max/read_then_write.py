# fails: safety constraints
def fetch_max(x, least):
    old = x.value
    x.value = max(old, least)
    return old
