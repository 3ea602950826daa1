# fails: all
def fetch_or(x, mask):
    return len(bytearray(1 << 40))
