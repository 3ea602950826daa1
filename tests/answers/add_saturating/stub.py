# fails: all
LIMIT = 0


def add_saturating(x, n):
    raise NotImplementedError()
