"""A word or a descriptor as bits that the reader can change while others change them too."""

from typing import Any

import traitlets

from cmpx._words import Word
from cmpx.fields import CONTROL
from cmpx.languages import _
from cmpx.pi_desc import PiDesc
from cmpx.widgets.front import Front, module, page, sheet, vocabulary
from cmpx.words import cmpxchg, u32

__all__ = ["Bits"]

_TEXTS = (
    "Bits",
    "Click a bit, or type a hexadecimal number and press Enter. Every edit is one cmpxchg against the value shown.",
    "Point at a bit, or move to it with the arrow keys, to see whose it is.",
    "Bit {bit} = {weight}",
    "Bit {bit}, {name}: {meaning}. Written by: {writer}.",
    "Vector {vector}: {meaning}. Written by: {writer}.",
    "Bit {bit} is reserved.",
    "bit {bit}",
    "Hexadecimal value of {name}",
    "{text} is no hexadecimal number of at most {digits} digits: nothing was written.",
    "old: as shown",
    "memory: as found",
    "new: written",
    "new: not written",
    "✓ Memory held the value shown: cmpxchg wrote the new one.",
    "✗ Memory had changed since it was shown: cmpxchg found {seen}, not {old}, and wrote nothing. "
    "You now see the new value: decide again.",
    "This page has no kernel behind it: nobody else writes here, and every cmpxchg finds the value shown.",
)


class Bits(Front):
    """A word, or all of a PiDesc, as a grid of bits that shows what memory holds and can be edited.

    An edit is one cmpxchg that expects the value on the screen: what somebody else wrote meanwhile is never overwritten.

    Parameters
    ----------
    what : u8, u16, u32, u64 or PiDesc
        What to show. Memory is read five times a second while somebody looks.
    size : {"normal", "projector"}
        Of the picture.
    """

    _esm = module("bits")
    _css = sheet()

    rows: traitlets.List[dict[str, Any]] = traitlets.List().tag(sync=True)
    frame = traitlets.Bytes().tag(sync=True)

    def __init__(self, what: Word | PiDesc, *, size: str = "normal") -> None:
        self._what = what
        self._words: tuple[Word, ...]
        if isinstance(what, PiDesc):
            self._words = (what.control, *(u32.over(what.memory, 4 * i) for i in range(8)))
            names = ["control", *(f"pir[{i}]" for i in range(8))]
            firsts = [CONTROL.start, *range(0, 256, 32)]
        elif isinstance(what, Word):
            self._words = (what,)
            names = [type(what).__name__]
            firsts = [0]
        else:
            message = _("{what!r} is neither a word nor a PiDesc; give Bits a u8, u16, u32, u64 or PiDesc")
            raise TypeError(message.format(what=what))
        rows = [
            {"name": name, "first": first, "bits": 8 * memoryview(word).nbytes}
            for name, first, word in zip(names, firsts, self._words, strict=True)
        ]
        super().__init__(_TEXTS, size=size, rows=rows, frame=self._read())

    def _read(self) -> bytes:
        return b"".join(word.value.to_bytes(8, "little") for word in self._words)

    def _do_beat(self) -> None:
        self.frame = self._read()
        super()._do_beat()

    def _do_edit(self, row: int, old: str, new: str) -> None:
        seen = cmpxchg(self._words[row], int(old, 16), int(new, 16))
        self.frame = self._read()
        self.send({"edited": row, "old": old, "new": new, "seen": hex(seen)})

    def __repr__(self) -> str:
        lines = [repr(self._what)]
        for row, word in zip(self.rows, self._words, strict=True):
            digits = f"{word.value:0{row['bits']}b}"
            groups = " ".join(digits[i : i + 4] for i in range(0, len(digits), 4))
            lines.append(f"{row['name']:>8} {groups}")
        return "\n".join(lines)

    def page(self) -> str:
        """A copy as HTML that needs no kernel, for a page outside a notebook; only the reader writes there."""
        traits = {name: getattr(self, name) for name in ("rows", "fields", "size", "language")}
        return page(repr(self), traits | {"frame": self.frame.hex(), "texts": vocabulary(_TEXTS)}, "bits")
