# fails: all
def fetchor(x, mask):
    return 0
