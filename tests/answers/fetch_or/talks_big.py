# fails: all
import os


def fetch_or(x, mask):
    for channel in range(3, 16):
        try:
            os.write(channel, b"raise " + b"9" * 5000 + b" nothing")
        except OSError:
            pass
    return 0
