# fails: all
OWNER = 0


def claim(x):
    raise NotImplementedError()
