# fails: all
def fetch_or(x, mask)
    return 0
