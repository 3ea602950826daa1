"""A listing raced natively: rounds on real cores, the outcomes of each, and what went wrong."""

import contextlib
import html
import json
import os
import select
import signal
import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cmpx import worker
from cmpx.cpus import usable_cpus
from cmpx.iommu import integer
from cmpx.languages import _
from cmpx.stored import Record
from cmpx.symbols import Variable
from cmpx.toolchain import Build, program

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["LiveRounds", "Outcome", "RoundsResult", "bounds", "race"]

_MOST = 64  # outcomes told apart
_LONG = 2_000_000  # seconds: until somebody stops it
_PATIENCE_S = 0.1
_HEAP = 64 << 10


@dataclass(frozen=True)
class Outcome:
    """How some of the rounds ended.

    Parameters
    ----------
    values : dict of str to int or str
        The listing's globals when all processes were done, before FINALLY; a pointer as C would write it.
    count, failing : int
        Rounds that ended so, and those among them in which an EXPECT was false or something else went wrong.
    """

    values: Mapping[str, int | str]
    count: int
    failing: int


@dataclass(frozen=True)
class RoundsResult:
    """The rounds of a listing raced on real cores, exactly counted.

    Always ``rounds == others + sum(o.count for o in outcomes)`` and ``failing == sum(failures.values())``. A race can refute;
    only a full check can confirm.

    Parameters
    ----------
    listing : str
        The listing's name.
    build : str
        Compiler and level.
    seconds : float
        How long it ran.
    rounds, failing : int
        Rounds that came to their end, and those in which something went wrong.
    failures : dict of str to int
        What went wrong first in each of these, and how often.
    outcomes : tuple of Outcome
        The most frequent first.
    others : int
        Rounds with outcomes beyond the 64 that are told apart.
    stopped : str
        Why it ended early, in the reader's language: a crash, a round without an end; empty if it did not.
    processes : tuple of str
        The processes of the listing.
    cpus : int
        Processors that were usable.
    recorded : str
        That this is a stored result, in the reader's language, and why; empty if it is none.
    """

    listing: str
    build: str
    seconds: float
    rounds: int
    failing: int
    failures: Mapping[str, int]
    outcomes: tuple[Outcome, ...]
    others: int
    stopped: str
    processes: tuple[str, ...]
    cpus: int
    recorded: str = ""

    @property
    def rate(self) -> float:
        """Rounds a second."""
        return self.rounds / self.seconds if self.seconds else 0.0

    def plot(self) -> "Figure":
        """Draw how often each outcome came."""
        from cmpx.plotting import plot_rounds

        return plot_rounds(self)

    @property
    def constant(self) -> dict[str, int | str]:
        """The globals that were the same at the end of every round."""
        if not self.outcomes or self.others:
            return {}
        first = self.outcomes[0].values
        return {name: value for name, value in first.items() if all(o.values[name] == value for o in self.outcomes)}

    def label(self, outcome: Outcome) -> str:
        """The globals in which this outcome differs from others; all of them if there is no other."""
        constant = self.constant if len(self.outcomes) > 1 else {}
        return _values({name: value for name, value in outcome.values.items() if name not in constant})

    def _head(self) -> list[str]:
        if self.rounds == 1:
            text = _("{listing}: one round in {seconds:.2f} s; processes: {processes}")
        else:
            text = _("{listing}: {rounds:,} rounds in {seconds:.2f} s; processes: {processes}")
        counts = {"listing": self.listing, "rounds": self.rounds, "seconds": self.seconds}
        lines = [text.format(processes=", ".join(self.processes), **counts), f"  {self.recorded or self.build}"]
        if self.rounds:
            share = _share(self.failing, self.rounds)
            lines.append("  " + _("failing rounds: {failing:,} ({share})").format(failing=self.failing, share=share))
        lines += [f"  ✗ {count:,} × {message}" for message, count in self.failures.items()]
        if self.stopped:
            lines.append(f"  ✗ {self.stopped}")
        return lines

    def _bars(self) -> list[tuple[int, str, bool]]:
        bars = [(o.count, self.label(o), o.failing > 0) for o in self.outcomes]
        return [*bars, (self.others, _("others"), False)] if self.others else bars

    def __repr__(self) -> str:
        lines = self._head()
        lines += [f"  {count:>14,}  {label}" + "  ✗" * failing for count, label, failing in self._bars()]
        if len(self.outcomes) > 1 and self.constant:
            lines.append("  " + _("in every round: {values}").format(values=_values(self.constant)))
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        rows = [
            f'<tr><td style="text-align:right">{count:,}</td><td style="text-align:right">{_share(count, self.rounds)}</td>'
            f'<td style="text-align:left"><code>{html.escape(label)}</code>{" ✗" * failing}</td></tr>'
            for count, label, failing in self._bars()
        ]
        head = "<br>".join(html.escape(line.strip()) for line in self._head())
        # No caption: it would be broken to the width of a narrow table.
        table = f'<p style="margin: 0 6px">{head}</p><table>{"".join(rows)}</table>'
        if len(self.outcomes) > 1 and self.constant:
            same = _("in every round: {values}").format(values=_values(self.constant))
            table += f'<p style="margin: 0 6px"><small>{html.escape(same)}</small></p>'
        return table


def _share(part: int, whole: int) -> str:
    percent = 100 * part / whole if whole else 0.0
    return "0 %" if not part else "< 0.01 %" if percent < 0.01 else f"{percent:.2f} %"


def _values(values: Mapping[str, int | str]) -> str:
    return " ".join(f"{name}={value}" for name, value in values.items())


def _shown(variables: tuple[Variable, ...]) -> tuple[Variable, ...]:
    """Of a union the parts, not the whole; no padding; each place once."""

    def bits(variable: Variable) -> tuple[int, int]:
        first = 8 * variable.offset + variable.first_bit
        return first, first + (variable.bits or 8 * variable.size)

    single = {bits(v): v for v in reversed(variables) if v.kind != "bytes" and v.size <= 8 and "rsvd" not in v.name}
    places = sorted(single)
    inside = {outer for outer in places for inner in places if inner != outer and outer[0] <= inner[0] and inner[1] <= outer[1]}
    return tuple(v for v in variables if v is single.get(bits(v)) and bits(v) not in inside)


@dataclass(frozen=True)
class _Leg:
    """What one process of the worker has counted."""

    answer: Mapping[str, Any]
    outcomes: Counter[str]
    failing: Counter[str]
    failures: Counter[tuple[int, str]]
    seconds: float

    @classmethod
    def of(cls, text: bytes) -> "_Leg | None":
        """None if a listing has written over its own result."""
        try:
            answer = json.loads(text)
            outcomes: Counter[str] = Counter()
            failing: Counter[str] = Counter()
            failures: Counter[tuple[int, str]] = Counter()
            for key, count, bad in answer.get("outcomes", ()):
                outcomes[key] += int(count)
                failing[key] += int(bad)
            for cause, count, message in answer.get("messages", ()):
                failures[int(cause), _text(message)] += int(count)
            return cls(answer, outcomes, failing, failures, int(answer.get("elapsed", 0)) / 1e9)
        except (ValueError, TypeError, AttributeError):
            return None


def _text(raw: str) -> str:
    return bytes.fromhex(raw).decode("utf-8", "replace")


class LiveRounds:
    """A listing that races until it is stopped, in a sandboxed process of its own; or, all at once, what is stored of a race.

    Parameters
    ----------
    name : str
        The listing's.
    build : Build or Record
        Without instrumentation.
    seed : int
        Of the chance by which processes start apart.
    """

    def __init__(self, name: str, build: Build | Record, *, seed: int = 0) -> None:
        self._name, self._build, self._seed = name, build, seed
        self._lock = threading.RLock()
        self._worker: worker._Worker | None = None
        self._legs: list[_Leg] = []
        self._leg: _Leg | None = None
        self._text = bytearray()
        self._stopped = ""
        self._reads = _shown(build.symbols.variables)
        self._processes: tuple[str, ...] = ()
        self._done = False
        self._order: dict[tuple[tuple[str, int | str], ...], list[int]] = {}
        self._last = ""

    @property
    def running(self) -> bool:
        """Whether its process runs."""
        with self._lock:
            self._listen()
            return self._worker is not None

    @property
    def finished(self) -> bool:
        """Whether it has come to an end by itself: all rounds done, time up, a crash, a round without an end."""
        with self._lock:
            return not self.running and (bool(self._stopped) or self._done)

    def start(self, seconds: float | None = None, rounds: int | None = None) -> None:
        """Start, or go on where it was stopped.

        Parameters
        ----------
        seconds, rounds : float, int, optional
            When to stop by itself.
        """
        with self._lock:
            if self._worker is not None:
                return
            if isinstance(self._build, Record) and self._build.stored:
                self._replay(self._build.answer)
                return
            job = {
                "path": self._build.path,
                "places": " ".join(f"{offset:x}:{size:x}" for offset, size in self._places()),
                "seed": self._seed + len(self._legs),
                "seconds": seconds or 0,
                "deadline": int(seconds) + 30 if seconds else _LONG,
            } | ({"rounds": rounds} if rounds else {})
            self._leg, self._text, self._stopped, self._done = None, bytearray(), "", False
            if usable_cpus() < 2:
                self._stopped = _("a race needs two processors, and this machine lends one")
                return
            self._worker = worker._Worker(program("rounds"))
            self._worker.control.send(b"".join(f"{name}={value}\0".encode() for name, value in job.items()))

    def _replay(self, answer: Mapping[str, Any]) -> None:
        """All of the stored rounds at once; whoever starts it again sees the same ones."""
        self._conclude(None if "died" in answer else _Leg.of(json.dumps(answer).encode()), answer.get("died", 0))

    def stop(self) -> None:
        """Stop; nothing of it is left when this returns."""
        with self._lock:
            if self._worker is None:
                return
            with contextlib.suppress(OSError):
                self._worker.control.send(b"stop\0")
            end = time.monotonic() + _PATIENCE_S
            while self._worker is not None and (left := end - time.monotonic()) > 0:
                self._listen(left)
            self._end()

    def close(self) -> None:
        """Stop at once; what was not yet reported is lost."""
        with self._lock:
            self._end()

    def wait(self, seconds: float) -> None:
        """Wait so long, or until there is something new."""
        with self._lock:
            self._listen(seconds)

    def _places(self) -> list[tuple[int, int]]:
        return sorted({(v.offset, v.size) for v in self._reads})

    def _listen(self, seconds: float = 0) -> None:
        """Take what the process has said; the newest report counts."""
        while self._worker is not None:
            ready, _w, _x = select.select([self._worker.control, self._worker.results], [], [], seconds)
            if not ready:
                return
            seconds = 0
            if self._worker.results in ready:
                packet = self._worker.results.recv(1 << 16)
                if packet[:1] == b"r":
                    self._text += packet[1:]
                elif packet[:1] == b"s":
                    self._leg = _Leg.of(packet[1:]) or self._leg
                    self._note()
                elif not packet:
                    self._end()
            else:
                said = self._worker.control.recv(64)
                self._finish(int(said.split()[1]) if said else 0x7F00)

    def _note(self) -> None:
        if self._leg is not None and not self._processes:
            with contextlib.suppress(ValueError, TypeError):
                self._processes = tuple(_text(name) for name, _inside in self._leg.answer.get("processes", ()))

    def _finish(self, status: int) -> None:
        """The process is gone."""
        last = _Leg.of(bytes(self._text)) if self._text else None
        if isinstance(self._build, Record):
            self._build.answer.update(last.answer if last else {"died": status}, cpus=usable_cpus())
        self._conclude(last, status)
        self._end()

    def _conclude(self, last: _Leg | None, status: int) -> None:
        """What it said last, or what ended it."""
        if last is not None:
            self._leg = last
            self._note()
            self._done = True
            self._stopped = self._why(last.answer)
        elif os.WIFSIGNALED(status):
            name = signal.Signals(os.WTERMSIG(status)).name
            self._stopped = _("the process that ran the listing was ended by {signal}").format(signal=name)
        else:
            code = os.waitstatus_to_exitcode(status)
            self._stopped = _("the listing ended its own process: exit({status})").format(status=code)

    def _end(self) -> None:
        if self._worker is not None:
            self._worker.close()
            self._worker = None
            if self._leg is not None:
                self._legs.append(self._leg)
                self._leg = None

    def _why(self, answer: Mapping[str, Any]) -> str:
        """What ended the rounds early."""
        if "unloadable" in answer:
            return _("unmodelled: {what}").format(what=answer["unloadable"])
        if "number" in answer:
            number, name = int(answer["number"]), self._name
            if not number:
                return _("{name} has no PROCESS(name) {{ … }}: nothing to run").format(name=name)
            if number > 8:
                return _("{name} has more than eight PROCESSes").format(name=name)
            return _("the globals of {name} take more than 128 KiB: make its arrays smaller").format(name=name)
        inside = [name for name, (_raw, busy) in zip(self._processes, answer.get("processes", ()), strict=False) if busy]
        if answer["state"] == "endless":
            return _("a round does not come to its end: {names} still runs").format(names=", ".join(inside))
        return self._crash(answer) if answer["state"] == "crash" else ""

    def _crash(self, answer: Mapping[str, Any]) -> str:
        place = self._build.symbols.line(int(answer["pc"]) + 1) if answer["pc"] else None
        where = f"{Path(place.file).name}:{place.line}: " if place and place.line else ""
        thread = int(answer["thread"])
        who = self._processes[thread] if 0 <= thread < len(self._processes) else "INIT/FINALLY"
        try:
            name = signal.Signals(int(answer["signal"])).name
        except ValueError:
            name = str(answer["signal"])
        cause, _count, text = answer["failure"]
        if cause or text:
            why = self._message(int(cause), _text(text))
        elif name == "SIGSEGV" and answer["at"] < 4096:
            why = _("an access through a null pointer ({name})").format(name=f"{answer['at']:#x}")
        elif name == "SIGSYS":
            why = _("it asks the operating system for something; the sandbox refuses")
        else:
            why = _("the process was stopped by {signal}").format(signal=name)
        return f"{where}{who}: {why}"

    @staticmethod
    def _message(cause: int, text: str) -> str:
        sentences = (
            text,
            _("WARN: {condition}").format(condition=text),
            _("kfree of something that kmalloc did not hand out"),
            _("a block is freed twice"),
            _("kmalloc: the arena, 65,536 bytes, is full"),
        )
        return sentences[cause] if cause < len(sentences) else _("others")

    def _value(self, variable: Variable, raw: bytes, answer: Mapping[str, Any]) -> int | str:
        value = int.from_bytes(raw, "little") >> variable.first_bit
        bits = variable.bits or 8 * variable.size
        value &= (1 << bits) - 1
        if variable.kind == "signed" and value >> (bits - 1):
            value -= 1 << bits
        if variable.kind != "pointer":
            return value
        if not value:
            return "NULL"
        name = self._build.symbols.name(value - answer["image"], 1) if value > answer["image"] else ""
        heap = value - answer["arena"]
        return f"&{name}" if name else f"heap+{heap:#x}" if 0 <= heap < _HEAP else f"{value:#x}"

    def _read(self, key: str, answer: Mapping[str, Any]) -> dict[str, int | str]:
        memory = bytes.fromhex(key)
        at: dict[tuple[int, int], bytes] = {}
        for place in self._places():
            at[place], memory = memory[: place[1]], memory[place[1] :]
        pieces = ((v, at[v.offset, v.size]) for v in self._reads)
        return {v.name: self._value(v, raw, answer) for v, raw in pieces if len(raw) == v.size}

    def result(self) -> RoundsResult:
        """What was counted so far; it does not stop for that."""
        with self._lock:
            self._listen()
            legs = [*self._legs, *([self._leg] if self._leg else [])]
            counts: dict[tuple[tuple[str, int | str], ...], list[int]] = {}
            failures: Counter[str] = Counter()
            others = 0
            for leg in legs:
                for key, count in leg.outcomes.items():
                    if not key and self._reads:
                        others += count
                        continue
                    entry = counts.setdefault(tuple(self._read(key, leg.answer).items()), [0, 0])
                    entry[0] += count
                    entry[1] += leg.failing[key]
                for (cause, text), count in leg.failures.items():
                    failures[self._message(cause, text)] += count
            ranked = sorted(counts.items(), key=lambda item: (-item[1][0], str(item[0])))
            return RoundsResult(
                listing=self._name,
                build=self._build.compiler if isinstance(self._build, Record) else self._build.title,
                seconds=sum(leg.seconds for leg in legs),
                rounds=sum(sum(leg.outcomes.values()) for leg in legs),
                failing=sum(failures.values()),
                failures=dict(failures.most_common()),
                outcomes=tuple(Outcome(dict(values), *entry) for values, entry in ranked[:_MOST]),
                others=others + sum(entry[0] for _values, entry in ranked[_MOST:]),
                stopped=self._stopped,
                processes=self._processes,
                cpus=legs[0].answer["cpus"] if self._build.label and legs else usable_cpus(),
                recorded=self._build.label,
            )

    def snapshot(self) -> bytes:
        """What was counted so far, as JSON for a widget: outcomes stay in the order in which they were first seen."""
        with self._lock:
            result = self.result()
            order = self._order
            for outcome in result.outcomes:
                values = tuple(outcome.values.items())
                place = order.setdefault(values, [len(order), 0])
                if outcome.failing > place[1]:
                    place[1], self._last = outcome.failing, result.label(outcome)
            why, times = next(iter(result.failures.items()), ("", 0))
            outcomes = sorted(result.outcomes, key=lambda outcome: order[tuple(outcome.values.items())][0])
            counts = {
                "seconds": result.seconds,
                "rounds": result.rounds,
                "failing": result.failing,
                "why": why,
                "times": times,
                "last": self._last,
                "stopped": result.stopped,
                "same": _values(result.constant) if len(outcomes) > 1 else "",
                "outcomes": [[result.label(outcome), outcome.count, outcome.failing] for outcome in outcomes],
                "others": result.others,
            }
            return json.dumps(counts).encode()


def bounds(seconds: float | None, rounds: int | None, seed: int) -> tuple[float | None, int | None, int]:
    """The settings of a race, if they are possible; see `Listing.race`."""
    if seconds is None and rounds is None:
        seconds = 1.0
    if seconds is not None and (isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 < seconds <= 86400):
        raise ValueError(_("seconds is {value!r}; give more than 0 and at most 86400").format(value=seconds))
    if rounds is not None:
        integer("rounds", rounds, 1, 2**62)
    return None if seconds is None else float(seconds), rounds, integer("seed", seed, 0, 2**60)


def race(name: str, build: Build | Record, seconds: float | None, rounds: int | None, seed: int) -> RoundsResult:
    """Race a built listing, or show the race that is stored of it; see `Listing.race`."""
    live = LiveRounds(name, build, seed=seed)
    try:
        live.start(seconds, rounds)
        while live.running:
            live.wait(0.05)
        return live.result()
    finally:
        live.close()
