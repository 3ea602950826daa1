# fails: all
def fetch_or(x, mask):
    return fetch_or(x, mask)
