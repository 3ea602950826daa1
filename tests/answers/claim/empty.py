# fails: all
OWNER = 7


def claim(x):
    pass
