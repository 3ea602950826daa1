# fails: all
def fetch_or(x, mask):
    while True:
        pass
