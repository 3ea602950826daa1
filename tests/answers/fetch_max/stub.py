# fails: all
def fetch_max(x, least):
    raise NotImplementedError()
