"""The C that the book prints and runs: where it lies, and the text of a function in it."""

import re
from pathlib import Path

from cmpx.languages import _

__all__ = ["CSRC", "Source", "source"]

_HERE = Path(__file__).parent
CSRC = next(folder for folder in (_HERE / "csrc", _HERE.parent / "csrc") if folder.is_dir())
"""The C files: inside an installed package, beside it in a checkout."""

_FUNCTION = re.compile(r"(?:^/\*\n(?: \*.*\n)+)?^static [^;{]*?\b(\w+)\([^;{]*\)\n\{\n(?:.*\n)*?\}\n", re.M)


class Source(str):
    """C text; a notebook colours it."""

    def __repr__(self) -> str:
        return str(self)

    def _repr_markdown_(self) -> str:
        return f"```c\n{self}\n```"


def source(function: str) -> Source:
    """The text of a function of ``pi_desc_loop.h``, with the comment that argues why it is right; or a whole header.

    Parameters
    ----------
    function : str
        Its name, such as ``"pi_update"``, or the header's, such as ``"pi_sleep.h"``.

    Raises
    ------
    ValueError
        There is no such function; the message lists those that are there.
    """
    header = CSRC / "listings" / function
    if header.suffix == ".h" and header.exists():
        return Source(header.read_text().rstrip().expandtabs(8))
    text = (CSRC / "listings/pi_desc_loop.h").read_text()
    functions = {match[1]: match[0] for match in _FUNCTION.finditer(text)}
    if function not in functions:
        message = _("no function {name!r} here; there are {names}")
        raise ValueError(message.format(name=function, names=", ".join(functions)))
    return Source(functions[function].rstrip().replace("static __always_inline ", "").expandtabs(8))
