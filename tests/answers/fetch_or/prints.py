# fails: nothing
# Typed, with a docstring, and with what one prints to see what happens.
def fetch_or(x: u8, mask: int) -> int:
    """Set the bits of `mask`; return what it replaced."""
    old, seen = None, x.value
    while seen != old:
        old = seen
        print("try", bin(old))
        seen = cmpxchg(x, old, old | mask)
    return old
