"""Cache lines to move by hand, in a page that needs no kernel."""

from __future__ import annotations

from unicodedata import east_asian_width

from cmpx.languages import _, language
from cmpx.mesi import MEMORY, OPERATIONS, WORDS, Turn, play, transitions
from cmpx.widgets.front import page, vocabulary

__all__ = ["Mesi"]

_TEXTS = (
    "Who has the line?",
    "x and y share a line",
    "x and y have a line each",
    "y on a line of its own",
    "The same turns again, with x and y on one line or on two: A",
    "Undo",
    "One step back: Z",
    "Start over",
    "No cache has anything, x and y are 0: R",
    "core {core}",
    "Core {core} reads {word}: {key}",
    "Core {core} writes what it last saw of {word}, plus 1: {key}",
    "Core {core} writes what it last saw of {word}, plus 1, if {word} is still that: {key}",
    "last saw",
    "modified: the only one, newer than memory",
    "exclusive: the only one, as in memory",
    "shared: others may have it too",
    "invalid: not here",
    "memory",
    "gets it",
    "gives it",
    "loses its copy",
    "is told the new values",
    "nothing",
    "invalidate",
    "read, from memory",
    "read for ownership, from memory",
    "read, from core {source}, written back",
    "read for ownership, from core {source}, written back",
    "reads {found}",
    "writes {wrote}",
    "succeeds: {found} → {wrote}",
    "fails: {expected} expected, {found} found",
    "access",
    "states",
    "over the interconnect",
    "result",
    "What each core did, turn by turn",
    "Each press is one turn of one core. Press a button, or choose a core by its number, then L, S or C, with Shift for y.",
    "Turn {number}, core {core}, {action}: {result}. Over the interconnect: {wire}.",
    "It failed, and took the line all the same.",
    "Core {core} has not loaded {word} yet, so it knows no value to go by. Load it first.",
    "The same {count} turns with x and y on one line: {transfers} transfers.",
    "The same {count} turns with a line each: {transfers} transfers.",
    "✓ Both cores have counted x to their 4: {transfers} transfers.",
    "turns",
    "transfers",
    "a line went from one core to another",
    "from memory",
    "a line came from memory",
    "copies invalidated",
    "failed cmpxchg",
    "Tasks",
    "Make a cmpxchg fail.",
    "Two cores, each with a word of its own: make the line go from core to core 4 times, then give y a line of its own.",
    "Cores 0 and 1 increment x 4 times each by load and cmpxchg: once with the fewest transfers, once with 8 or more.",
    "{transfers} of 4",
    "now move y",
    "fewest {fewest}, most {most}",
)


def _wide(text: str) -> int:
    """Columns of a text: a Chinese character has two."""
    return sum(1 + (east_asian_width(one) in "FW") for one in text)


def _wire(turn: Turn) -> str:
    if turn.source is None:
        return _(turn.request or "nothing")
    if turn.source == MEMORY:
        return _(f"{turn.request}, from memory")
    return _(f"{turn.request}, from core {{source}}, written back").format(source=turn.source)


def _result(turn: Turn) -> str:
    if turn.failed:
        return _("fails: {expected} expected, {found} found").format(expected=turn.expected, found=turn.found)
    sentence = {"load": _("reads {found}"), "store": _("writes {wrote}"), "cmpxchg": _("succeeds: {found} → {wrote}")}
    return sentence[turn.operation].format(found=turn.found, wrote=turn.wrote)


class Mesi:
    """Cores with a cache each, and the one or two lines that hold x and y: the reader decides who accesses what.

    It is the textbook protocol, MESI, not a model of a particular processor: Intel's have a fifth state, F, and AMD's
    another, O. There are no store buffers, each access is one turn, and no line is ever evicted. In a notebook it works
    without a kernel; its text is a table of the turns.

    Parameters
    ----------
    schedule : str
        The turns to begin with, such as ``"0:load x; 1:load x; 0:cmpxchg x"``. A store writes what the core last saw of the
        word, plus 1; cmpxchg does so if the word is still that.
    cores : {2, 3}
        How many there are.
    apart : bool
        Whether y begins on a line of its own.
    size : {"normal", "projector"}
        Of the picture.

    Attributes
    ----------
    run : cmpx.mesi.Run
        What the schedule does.
    """

    def __init__(self, schedule: str = "", *, cores: int = 2, apart: bool = False, size: str = "normal") -> None:
        if size not in ("normal", "projector"):
            raise ValueError(_("there is no size {size!r}; choose 'normal' or 'projector'").format(size=size))
        self.run = play(schedule, cores, apart=apart)
        self._cores, self._apart, self._size = cores, apart, size

    def __repr__(self) -> str:
        run = self.run
        layout = _("x and y have a line each") if self._apart else _("x and y share a line")
        rows = [["", "", _("access"), _("states"), _("over the interconnect"), _("result")]]
        for number, turn in enumerate(run.turns, 1):
            states = " → ".join(" ".join(each) for each in (turn.before, turn.after))
            rows.append(
                [
                    str(number),
                    _("core {core}").format(core=turn.core),
                    f"{turn.operation} {turn.word}",
                    states,
                    _wire(turn),
                    _result(turn),
                ]
            )
        widths = [max(map(_wide, column)) for column in zip(*rows, strict=True)]
        lines = (
            [
                "  ".join(cell + " " * (width - _wide(cell)) for cell, width in zip(row, widths, strict=True)).rstrip()
                for row in rows
            ]
            if run.turns
            else []
        )
        counts = {
            _("transfers"): run.transfers,
            _("from memory"): run.fetched,
            _("copies invalidated"): run.invalidated,
            _("failed cmpxchg"): run.failures,
        }
        colon, comma, space = (": ", ", ", " ") if language() == "en" else ("：", "，", "")
        total = comma.join(name + colon + str(count) for name, count in counts.items())
        return "\n".join([_("Who has the line?") + space + layout, *lines, total])

    def _repr_html_(self) -> str:
        data = {
            "table": transitions(self._cores),
            "cores": self._cores,
            "apart": self._apart,
            "turns": [[turn.core, OPERATIONS.index(turn.operation), WORDS.index(turn.word)] for turn in self.run.turns],
            "texts": vocabulary(_TEXTS),
            "language": language(),
            "size": self._size,
        }
        return page(repr(self), data, "mesi")
