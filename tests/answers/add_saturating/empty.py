# fails: all
LIMIT = 200


def add_saturating(x, n):
    pass
