"""What checking a listing found: Verdict, Finding, Trace."""

import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cmpx.frames import locals_of
from cmpx.languages import _

if TYPE_CHECKING:
    from cmpx.symbols import Symbols, Variable

__all__ = ["DataRace", "Export", "Finding", "Reader", "Step", "Trace", "Verdict"]

THREADS = 8
# as machine.h numbers them
KINDS = ("nothing", "read", "write", "swap", "modify", "fence", "lock", "free")
TROUBLES = (
    "fine", "expect", "warn", "null pointer", "wild access", "use after free", "double free", "bad free", "no memory",
    "stack overflow", "endless loop", "crash", "deadlock", "livelock", "too wide",
)  # fmt: skip
_SIGNALS = {4: "SIGILL", 5: "SIGTRAP", 6: "SIGABRT", 7: "SIGBUS", 8: "SIGFPE", 11: "SIGSEGV", 31: "SIGSYS"}


@dataclass(frozen=True)
class Step:
    """One access to shared memory.

    Parameters
    ----------
    thread : str
        The process that made it.
    kind : str
        "read", "write", "swap" (a cmpxchg), "modify" (any other atomic), "fence", "lock", "free", or "drain": the thread's
        oldest buffered store reaches memory.
    name : str
        What it touched, such as ``pi.control``.
    file, line : str, int
        The source line.
    before, after : int
        The value before and after, as the thread sees it.
    expected : int
        For a swap, the old value it was given.
    size : int
        Bytes.
    marked : bool
        Whether the access is marked (READ_ONCE, WRITE_ONCE, atomic).
    hidden : bool
        Whether it is one half of the read-modify-write that a plain bit-field store compiles to.
    blame : tuple of str and int, optional
        For a failed swap: the thread that changed the value since this one read it, and the number of the step.
    words : str
        The step in the reader's language.
    """

    thread: str
    kind: str
    name: str
    file: str
    line: int
    before: int
    after: int
    expected: int
    size: int
    marked: bool
    hidden: bool
    blame: tuple[str, int] | None
    words: str

    @property
    def succeeded(self) -> bool:
        """Whether a swap found what it expected; True for any other step."""
        return self.kind != "swap" or self.before == self.expected

    @property
    def action(self) -> str:
        """The word for this step in a schedule."""
        return self.thread + "~" * (self.kind == "drain")


@dataclass(frozen=True)
class Trace:
    """A run, or the beginning of one, access by access.

    Parameters
    ----------
    steps : tuple of Step
        In order.
    no_return : int or None
        The point of no return: the number of the last step after which every continuation fails; 0 if there never was a good
        one, None if there still is.
    end : str
        What the run came to, in the reader's language; empty if it can go on or ended well.
    source : str
        Where it comes from, if it was not run here and now.
    """

    steps: tuple[Step, ...]
    no_return: int | None = None
    end: str = ""
    source: str = field(default="", compare=False)

    @property
    def schedule(self) -> str:
        """The order of the steps as a string that replays: ``a b*2 a~``."""
        runs = ((action, len(list(steps))) for action, steps in groupby(step.action for step in self.steps))
        return " ".join(action if count == 1 else f"{action}*{count}" for action, count in runs)

    def to_json(self) -> str:
        """The trace for other programs to read."""
        keys = ("thread", "kind", "name", "line", "before", "after", "expected", "size", "marked")
        steps = [{key: getattr(step, key) for key in keys} for step in self.steps]
        return json.dumps({"schedule": self.schedule, "no_return": self.no_return, "end": self.end, "steps": steps}, indent=1)

    def __str__(self) -> str:
        names = max((len(step.thread) for step in self.steps), default=0)
        places = [f"{Path(step.file).name}:{step.line}" for step in self.steps]
        width = max(map(len, places), default=0)
        lines = [self.source] if self.source else []
        if self.no_return == 0:
            lines.append("   ── " + _("every run fails"))
        for number, (step, place) in enumerate(zip(self.steps, places, strict=True), 1):
            lines.append(f"{number:3} {step.thread:{names}}  {place:{width}}  {step.words}")
            if number == self.no_return:
                lines.append("   ── " + _("point of no return: from here every continuation fails"))
        if self.end:
            lines.append(f"  ✗ {self.end}")
        return "\n".join(lines)

    def __repr__(self) -> str:
        return str(self)


@dataclass(frozen=True)
class Finding:
    """Something wrong that a run can come to.

    Parameters
    ----------
    kind : str
        "expect", "warn", "null pointer", "wild access", "use after free", "double free", "bad free", "no memory",
        "stack overflow", "endless loop", "crash", "deadlock", "livelock".
    message : str
        What, where and how, in the reader's language.
    trace : Trace
        A shortest run to it.
    """

    kind: str
    message: str
    trace: Trace = field(repr=False)


@dataclass(frozen=True)
class DataRace:
    """Two accesses that can come at the same time, at least one a write, at least one unmarked.

    Parameters
    ----------
    message : str
        Both, in words.
    name : str
        What they touch.
    lines : tuple of int
        Their source lines.
    trace : Trace
        A shortest run to the moment before.
    """

    message: str
    name: str
    lines: tuple[int, int]
    trace: Trace = field(repr=False)


@dataclass(frozen=True)
class Export:
    """What was written, and what was not.

    Parameters
    ----------
    files : tuple of Path
        The verdict with its counterexample as text, the counterexample as JSON, an LKMM litmus test: those that there are.
    no_litmus : str
        Why there is no litmus test, in the reader's language; empty if there is one.
    """

    files: tuple[Path, ...]
    no_litmus: str

    def __str__(self) -> str:
        lines = [str(file) for file in self.files]
        return "\n".join([*lines, *([_("no litmus test: {why}").format(why=self.no_litmus)] if self.no_litmus else [])])

    def __repr__(self) -> str:
        return str(self)


@dataclass(frozen=True)
class Verdict:
    """What a check found; it speaks of this build and this memory model.

    Parameters
    ----------
    listing : str
        The listing's name.
    status : str
        "holds", "fails", "bounded" (not all was seen, nothing bad so far) or "unmodelled".
    memory : str
        "sc" or "tso".
    build : str
        Compiler and level.
    findings, races : tuple
        What went wrong, the shortest way first; data races, which never change the status.
    interleavings, bad_interleavings : int, float or None
        Runs, and those among them that end in a finding: exact, or `math.inf` where a retry or spin loop closes a cycle;
        None if not all was seen.
    unmodelled : tuple of str
        What the machine does not know, by name.
    states : int
        States of the graph: a diagnostic that varies from compiler to compiler.
    """

    listing: str
    status: str
    memory: str
    build: str
    findings: tuple[Finding, ...] = ()
    races: tuple[DataRace, ...] = ()
    interleavings: int | float | None = None
    bad_interleavings: int | float | None = None
    unmodelled: tuple[str, ...] = ()
    states: int = 0
    _count: Callable[[int], int] | None = field(default=None, repr=False, compare=False)
    _litmus: Callable[[], str] | None = field(default=None, repr=False, compare=False)

    @property
    def counterexample(self) -> Trace | None:
        """The shortest trace of the first finding."""
        return self.findings[0].trace if self.findings else None

    def count(self, steps: int) -> int:
        """How many runs end within so many steps: a number also where a loop makes `interleavings` infinite.

        Parameters
        ----------
        steps : int
            At most a million.
        """
        if type(steps) is not int or not 0 < steps <= 1_000_000:
            raise ValueError(_("steps is a number from 1 to 1,000,000, not {steps!r}").format(steps=steps))
        if self._count is None:
            raise ValueError(_("only a check that saw everything can count"))
        return self._count(steps)

    def export(self, folder: str | Path = ".") -> Export:
        """Write the counterexample as text and as JSON, and a listing of a few marked accesses as an LKMM litmus test.

        The test asks herd7, with the kernel's tools/memory-model, whether an outcome that FINALLY forbids exists under LKMM.

        Parameters
        ----------
        folder : str or Path
            Where to; the files have the listing's name.

        Returns
        -------
        Export

        Raises
        ------
        ValueError
            There is nothing to write.
        """
        contents, no_litmus = {}, _("the check came to no end")
        if self.counterexample is not None:
            contents = {".txt": f"{self}\n", ".json": f"{self.counterexample.to_json()}\n"}
        try:
            if self._litmus:
                contents[".litmus"], no_litmus = self._litmus(), ""
        except (ValueError, RuntimeError) as error:
            no_litmus = str(error)
        if not contents:
            raise ValueError(_("there is no counterexample to write, and no litmus test: {why}").format(why=no_litmus))
        for suffix, content in contents.items():
            Path(folder, self.listing + suffix).write_text(content, encoding="utf-8")
        return Export(tuple(Path(folder, self.listing + suffix) for suffix in contents), no_litmus)

    def __str__(self) -> str:
        said = {
            "holds": _("holds: in every interleaving"),
            "fails": _("fails"),
            "bounded": _("bounded: nothing bad in what was seen, but not all was seen"),
            "unmodelled": _("unmodelled: {what}").format(what="; ".join(self.unmodelled)),
        }[self.status]
        model = {"sc": _("sequential consistency"), "tso": _("x86-TSO; this says nothing of arm64 or of the kernel's model")}
        lines = [_("{listing}: {said}").format(listing=self.listing, said=said), f"  {model[self.memory]} · {self.build}"]
        if self.interleavings is not None:
            total, bad = (_number(n) for n in (self.interleavings, self.bad_interleavings))
            lines.append("  " + _("interleavings: {total}, of which bad: {bad}").format(total=total, bad=bad))
        lines += [f"  ✗ {finding.message}" for finding in self.findings]
        lines += ["  ! " + _("data race: {message}").format(message=race.message) for race in self.races]
        if self.counterexample is not None:
            lines.append(str(replace(self.counterexample, source="")))
        return "\n".join(lines)

    def __repr__(self) -> str:
        return str(self)


def _number(number: int | float | None) -> str:
    return "∞" if number == math.inf else f"{number:,}"


class Reader:
    """Turns the worker's answer, which speaks of addresses, into names, lines and sentences.

    Parameters
    ----------
    answer : Mapping
        What the worker said.
    symbols : Symbols
        Of the build that ran.
    source : str
        What each trace says of where it comes from, if it was not run here and now.
    """

    def __init__(self, answer: Mapping[str, Any], symbols: "Symbols", source: str = "") -> None:
        self._answer = answer
        self._symbols = symbols
        self._source = source
        self.processes: tuple[str, ...] = tuple(answer.get("processes", ()))
        self._locals: dict[int, tuple[str, int]] = {}
        self._wholes: dict[int, str] = {}

    def thread(self, number: int) -> str:
        """The process of that number; empty for none."""
        return self.processes[number] if number < len(self.processes) else ""

    def learn(self, number: int, variables: "Iterable[Variable]") -> None:
        """Remember what a process calls the bytes of its stack.

        Parameters
        ----------
        number : int
            The process.
        variables : iterable of Variable
            Its locals, by address.
        """
        locals_: dict[int, tuple[str, int]] = {}
        for variable in variables:
            name = f"{self.thread(number)}: {variable.name}"
            if variable.kind != "bytes":
                locals_.setdefault(variable.offset, (name, variable.size))
            if variable.name.isidentifier():
                self._wholes[variable.offset] = name
        self._locals |= locals_

    def whole(self, address: int) -> str:
        """The local that begins at an address; empty for none."""
        return self._wholes.get(address, "")

    def name(self, place: Mapping[str, Any]) -> str:
        """What stands at an address."""
        if "block" in place:
            block, offset = place["block"]
            return f"heap[{block}]" + (f"+{offset}" if offset else "")
        if "stack" in place:
            thread, depth = place["stack"]
            near = max((address for address in self._locals if address <= place["at"]), default=0)
            name, size = self._locals.get(near, ("", 0))
            inside = place["at"] - near
            if inside < size:
                return name + (f"+{inside}" if inside else "")
            return f"{self.thread(thread)}.stack[{depth}]"
        offset = place["at"] - self._answer["base"]
        return self._symbols.name(offset, place.get("size", 0)) or f"{place['at']:#x}"

    def is_signed(self, place: Mapping[str, Any]) -> bool:
        """Whether a signed number stands there."""
        return self._symbols.is_signed(self.name(place))

    def value(self, place: Mapping[str, Any], value: int, points_to: str = "") -> str:
        """A value as C would write it there.

        Parameters
        ----------
        place : Mapping
            Where it stands.
        value : int
            The value.
        points_to : str
            The key under which `place` says what it points to, if that is no global.
        """
        size = min(place["size"], 8)
        if points_to in place:
            return f"&{self.whole(place[points_to]['at']) or self.name(place[points_to])}"
        if value < 10:
            return str(value)
        offset = value - self._answer["base"]
        name = self._symbols.name(offset, 1) if size == 8 and offset > 0 else ""
        if name:
            return f"&{name}"
        if self.is_signed(place) and value >> (8 * size - 1):
            return str(value - (1 << 8 * size))
        return f"{value:#x}"

    def steps(self, raw: list[dict[str, Any]]) -> tuple[Step, ...]:
        """The steps of a trace."""
        steps: list[Step] = []
        for one in raw:
            steps.append(self._step(one, steps))
        return tuple(steps)

    def _step(self, raw: Mapping[str, Any], earlier: list[Step]) -> Step:
        for stack in raw.get("stacks", ()):
            self.learn(stack["thread"], locals_of(stack, self._answer["base"], self._symbols))
        kind = "drain" if raw["action"] >= THREADS else KINDS[raw["kind"]]
        place = self._symbols.line(raw["pc"])
        mask = (1 << 8 * min(raw["size"], 8)) - 1
        thread = self.thread(raw["action"] % THREADS)
        expected = raw["expected"] & mask
        name = "" if kind == "fence" else self.name(raw)
        blame = None
        if kind == "swap" and raw["before"] != expected:
            blame = self._blame(earlier, thread, name)
        return Step(
            thread, kind, name, place.file, place.line, raw["before"], raw["after"], expected, raw["size"],
            bool(raw["marked"]), bool(raw["hidden"]), blame, self._words(raw, kind, name, expected, blame),
        )  # fmt: skip

    @staticmethod
    def _blame(earlier: list[Step], thread: str, name: str) -> tuple[str, int] | None:
        """Who changed it last since this thread last looked, and in which step."""
        for number in range(len(earlier), 0, -1):
            step = earlier[number - 1]
            if step.name != name:
                continue
            if step.thread == thread:
                return None
            if step.before != step.after:
                return step.thread, number
        return None

    def _words(self, raw: Mapping[str, Any], kind: str, name: str, expected: int, blame: tuple[str, int] | None) -> str:
        before, after = (self.value(raw, raw[key], f"{key}_to") for key in ("before", "after"))
        wanted = self.value(raw, expected, "expected_to")
        change = {"name": name, "before": before, "after": after, "expected": wanted}
        if TROUBLES[raw["trouble"]] in ("null pointer", "wild access", "use after free"):
            return _("tries to access {name}").format(**change)
        if kind == "swap" and raw["before"] != expected:
            words = _("cmpxchg of {name} fails: {expected} expected, {before} found").format(**change)
            if blame:
                words += _("; {thread} changed it in step {number}").format(thread=blame[0], number=blame[1])
            return words
        sentences = {
            "read": _("reads {name}: {before}"),
            "write": _("writes {name}: {before} → {after}"),
            "swap": _("cmpxchg of {name} succeeds: {before} → {after}"),
            "modify": _("changes {name} atomically: {before} → {after}"),
            "fence": _("full fence"),
            "lock": _("takes the lock {name}"),
            "free": _("frees {name}"),
            "drain": _("its store to {name} reaches memory: {before} → {after}"),
        }
        words = sentences[kind].format(**change)
        return words + " " + _("(half of a bit-field store)") if raw["hidden"] else words

    def finding(self, raw: Mapping[str, Any]) -> tuple[str, str]:
        """The kind and the message of a finding."""
        kind = TROUBLES[raw["trouble"]]
        place = self._symbols.line(raw["pc"]) if raw["pc"] > 0 else None
        where = f"{Path(place.file).name}:{place.line}: " if place and place.line else ""
        sentences = {
            "expect": "{message} ({condition})",
            "warn": _("WARN: {condition}"),
            "null pointer": _("an access through a null pointer ({name})"),
            "wild access": _("{size} bytes at {name}: nothing of the listing stands there"),
            "use after free": _("{name} is used after it was freed"),
            "double free": _("{name} is freed twice"),
            "bad free": _("kfree of {name}, which kmalloc did not hand out"),
            "no memory": _("kmalloc of {size:,} bytes: the arena holds 65,536 in all"),
            "stack overflow": _("the stack, 64 KiB, is full: a recursion without an end?"),
            "endless loop": _("a loop that touches no shared memory and does not end"),
            "crash": _("the process was stopped by {signal}"),
            "deadlock": _("deadlock: no process can take a step"),
            "livelock": _("livelock: the processes go round for ever and none can finish"),
            "too wide": _("{size} bytes of {name} in one access: the machine takes apart no more than 256"),
        }
        signal = _SIGNALS.get(raw["number"], str(raw["number"]))
        name = self.name(raw) if raw["at"] >= 4096 else f"{raw['at']:#x}"
        details = {"message": raw["message"], "condition": raw["condition"], "size": raw["size"], "signal": signal}
        return kind, where + sentences[kind].format(name=name, **details)

    def trace(self, raw: Mapping[str, Any], end: str = "") -> Trace:
        """A trace as the worker reports it."""
        return Trace(self.steps(raw["steps"]), raw.get("no_return"), end, self._source)

    def findings(self) -> tuple[Finding, ...]:
        """All findings, the shortest trace first."""
        found = []
        for raw in self._answer.get("findings", ()):
            trace = self.trace(raw)
            kind, message = self.finding(raw)
            found.append(Finding(kind, message, replace(trace, end=message)))
        return tuple(found)

    def races(self) -> tuple[DataRace, ...]:
        """All data races."""
        races: dict[str, DataRace] = {}
        for raw in self._answer.get("races", ()):
            trace = self.trace(raw)
            name = self.name(raw)
            sides, lines = [], []
            for thread, kind, marked, pc in (raw["a"], raw["b"]):
                place = self._symbols.line(pc)
                verb = _("reads") if KINDS[kind] == "read" else _("writes")
                how = _("marked") if marked else _("plain")
                where = f"{Path(place.file).name}:{place.line}"
                side = _("{thread} {verb} ({how}, {where})")
                sides.append(side.format(thread=self.thread(thread), verb=verb, how=how, where=where))
                lines.append(place.line)
            message = _("{name}: {one}, {other}").format(name=name, one=sides[0], other=sides[1])
            races.setdefault(message, DataRace(message, name, (lines[0], lines[1]), trace))
        return tuple(races.values())
