# fails: all
while True:
    pass
