# fails: all
def fetch_or(x, mask):
    exec(In[-1].replace('examine', 'step'))
    return 0
