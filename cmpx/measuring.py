"""What one operation on a word costs while other threads are at it, measured on real cores."""

import json
import os
import platform
import subprocess
import sys
import time
from dataclasses import dataclass
from functools import cache
from math import exp, inf, log1p
from pathlib import Path
from typing import Any

from cmpx._engine import ffi, lib
from cmpx.cpus import usable_cpus
from cmpx.iommu import integer
from cmpx.languages import _
from cmpx.racing import MOST_DELAY, _index

__all__ = ["OPERATIONS", "PLACES", "RECORDING", "Contention", "contend", "expected_share"]

OPERATIONS = ("load", "store", "add", "xchg", "fetch_add", "cmpxchg", "failing_cmpxchg")
PLACES = ("same", "neighbours", "apart", "split")
RECORDING = Path(__file__).parent / "recordings" / "contention.json"

_MOST_SECONDS = 10
_QUIET = 0.97


@dataclass(frozen=True)
class Contention:
    """What threads did to a word, or to a word each, and how long it took.

    Always ``attempts == operations + failures``; with "fetch_add" and "cmpxchg" ``value == operations``: nothing is lost.

    Parameters
    ----------
    operation, place : str
        See `contend`.
    threads : int
        How many there were.
    window_cycles : int
        Cycles between the read and the write of one attempt.
    pause_cycles : int
        Cycles between two operations of a thread, on average.
    backoff : bool
        Whether a loser waited before its next attempt.
    seconds : float
        From the first operation to the last, of the thread that ran longest.
    processor_seconds : float
        What the threads together had of the processors, which may run other programs in between.
    by_thread : tuple of int
        Operations done by each thread.
    failures : int
        cmpxchg that found another value than the expected one.
    value : int
        The sum of what stood in the words at the end; they began with 0.
    cycle_ns : float
        Nanoseconds of one such cycle.
    cpus : int
        Processors that were usable.
    recorded : bool
        Whether this is a recording from another machine, shown because this one has a single usable processor.
    """

    operation: str
    place: str
    threads: int
    window_cycles: int
    pause_cycles: int
    backoff: bool
    seconds: float
    processor_seconds: float
    by_thread: tuple[int, ...]
    failures: int
    value: int
    cycle_ns: float
    cpus: int
    recorded: bool = False

    @property
    def operations(self) -> int:
        """How many were done; a failed cmpxchg does nothing."""
        return sum(self.by_thread)

    @property
    def attempts(self) -> int:
        """Operations and failures."""
        return self.operations + self.failures

    @property
    def _done(self) -> int:
        return self.attempts if self.operation == "failing_cmpxchg" else self.operations

    @property
    def nanoseconds(self) -> float:
        """Of processor time for one operation, its retries included; of a "failing_cmpxchg" for one attempt."""
        return 1e9 * self.processor_seconds / self._done if self._done else inf

    @property
    def rate(self) -> float:
        """Operations of all threads together in a second; of a "failing_cmpxchg", attempts."""
        return self._done / self.seconds if self.seconds else 0.0

    @property
    def processors(self) -> float:
        """How many of them the threads had, on average: of several threads on one, only one contends."""
        return self.processor_seconds / self.seconds if self.seconds else 0.0

    @property
    def share_failed(self) -> float:
        """Failures, as a part of the attempts."""
        return self.failures / self.attempts if self.attempts else 0.0

    def _title(self) -> str:
        settings = f'"{self.operation}", threads={self.threads}, place="{self.place}"'
        if self.window_cycles:
            settings += f", window_cycles={self.window_cycles}"
        if self.pause_cycles:
            settings += f", pause_cycles={self.pause_cycles}"
        if self.backoff:
            settings += ", backoff=True"
        title = _("contend({settings}): {seconds:.2f} s").format(settings=settings, seconds=self.seconds)
        if self.recorded:
            title += _(" — a recording from another machine: a race needs two processors, and this machine lends one")
        return title

    def _rows(self) -> list[tuple[str, str]]:
        rows = [
            (_("a second, all threads together"), f"{self.rate:,.0f}"),
            (_("ns of processor time for each"), f"{self.nanoseconds:,.1f}"),
            (_("processors at work, on average"), f"{self.processors:.2f}"),
        ]
        if self.operation != "failing_cmpxchg":
            rows.insert(0, (_("operations"), f"{self.operations:,}"))
        if "cmpxchg" in self.operation:
            rows.append((_("failed attempts"), f"{self.failures:,} ({self.share_failed:.2%})"))
        if self.operation == "add":
            rows.append((_("additions lost"), f"{self.operations - self.value:,}"))
        return rows

    def __repr__(self) -> str:
        return "\n".join([self._title(), *(f"  {value:>22}  {name}" for name, value in self._rows())])

    def _repr_html_(self) -> str:
        cells = "".join(
            f'<tr><td style="text-align:left">{name}</td><td style="text-align:right">{value}</td></tr>'
            for name, value in self._rows()
        )
        return f"<table><caption>{self._title()}</caption>{cells}</table>"


def contend(
    operation: str,
    threads: int = 2,
    seconds: float = 0.2,
    place: str = "same",
    window_cycles: int = 0,
    backoff: bool = False,
    pause_cycles: int = 0,
    tries: int = 1,
) -> Contention:
    """Let native threads do one operation on a 64-bit word over and over, all at once, and count.

    Parameters
    ----------
    operation : {"load", "store", "add", "xchg", "fetch_add", "cmpxchg", "failing_cmpxchg"}
        "add" is a plain ``x = x + 1``; "cmpxchg" reads, then tries to put one more, until it succeeds; "failing_cmpxchg"
        expects a value that is never there.
    threads : int
        1 to 64. More than there are processors take turns.
    seconds : float
        How long, at most 10.
    place : {"same", "neighbours", "apart", "split"}
        One word for all; a word each, side by side in one cache line; a word each in a line of its own; a word each that
        stretches over two lines (x86-64 only).
    window_cycles : int
        Cycles (of the time-stamp counter) between the read and the write of "add" and of each attempt of "cmpxchg".
    backoff : bool
        A "cmpxchg" that failed waits, by chance, longer after each failure in a row, up to 16,384 cycles.
    pause_cycles : int
        Cycles that a thread spends elsewhere between two operations, half to one and a half times as many by chance.
    tries : int
        Up to 1000: measure so often at most, and return the run in which the threads had most of the processors. On a busy
        machine threads take turns, and meet only now and then: short runs find such a moment, a long one never.

    Returns
    -------
    Contention
        With several threads and fewer than two usable processors a labelled recording, the nearest there is: threads that
        take turns do not contend.

    Raises
    ------
    ValueError, TypeError
        A setting is out of its range or does not apply; the message gives the cure.
    OSError
        The system refuses split words or another thread.
    KeyboardInterrupt
        Interrupted; its threads have ended.
    """
    number, where = _index("operation", operation, OPERATIONS), _index("place", place, PLACES)
    integer("threads", threads, 1, lib.MAX_CONTENDERS)
    integer("window_cycles", window_cycles, 0, MOST_DELAY)
    integer("pause_cycles", pause_cycles, 0, MOST_DELAY)
    integer("tries", tries, 1, 1000)
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 < seconds <= _MOST_SECONDS:
        message = _("seconds is {value!r}; give more than 0 and at most {most}")
        raise ValueError(message.format(value=seconds, most=_MOST_SECONDS))
    if place == "neighbours" and threads > lib.WORDS_PER_LINE:
        message = _("a cache line has room for {most} neighbours, not for {threads}; give fewer threads, or place='apart'")
        raise ValueError(message.format(most=lib.WORDS_PER_LINE, threads=threads))
    if window_cycles and operation not in ("add", "cmpxchg"):
        message = _("{operation!r} has no gap between a read and a write; window_cycles is for 'add' and 'cmpxchg'")
        raise ValueError(message.format(operation=operation))
    if backoff and operation != "cmpxchg":
        raise ValueError(_("{operation!r} never tries again; backoff is for 'cmpxchg'").format(operation=operation))
    if place == "split":
        _may_split()
    if threads > 1 and usable_cpus() < 2:
        return _recorded(operation, place, threads, window_cycles, pause_cycles, bool(backoff))
    best = None
    for _try in range(tries):
        contention = lib.contention_new(number, where, threads, window_cycles, pause_cycles, bool(backoff))
        if not contention:
            raise MemoryError
        try:
            column = _run(contention, threads, seconds)
            result = Contention(
                operation=operation,
                place=place,
                threads=threads,
                window_cycles=window_cycles,
                pause_cycles=pause_cycles,
                backoff=bool(backoff),
                seconds=max(column[2]) / 1e9,
                processor_seconds=sum(column[3]) / 1e9,
                by_thread=column[0],
                failures=sum(column[1]),
                value=lib.contention_value(contention),
                cycle_ns=contention.ns_per_tick,
                cpus=usable_cpus(),
            )
        finally:
            lib.contention_free(contention)
        if best is None or result.processors > best.processors:
            best = result
        if best.processors > _QUIET * min(threads, best.cpus):
            break
    assert best is not None
    return best


def _run(contention: Any, threads: int, seconds: float) -> list[tuple[int, ...]]:
    """Operations, failures, nanoseconds passed and nanoseconds run, each by thread; no thread is left."""
    try:
        if error := lib.contention_start(contention):
            raise OSError(error, os.strerror(error))
        while contention.ready < threads:
            time.sleep(0.0005)
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            time.sleep(min(left, 0.02))
    finally:
        lib.contention_stop(contention)
    counts = ffi.new("u64[4]")
    each = []
    for thread in range(threads):
        lib.contention_counts(contention, thread, counts)
        each.append(tuple(counts))
    return list(zip(*each, strict=True))


def expected_share(threads: int, window_cycles: float, pause_cycles: float) -> float:
    """The share of attempts that fail if the threads know nothing of each other: a simple model.

    An attempt fails if another thread succeeds within its window. A success takes a thread one pause and 1 / (1 - share)
    windows, so each of the others succeeds that seldom. If they come at random, a window meets none of them with probability
    ``exp(-expected number)``. The share stands on both sides, so it is found by trying.

    Parameters
    ----------
    threads : int
        How many run at the same time.
    window_cycles, pause_cycles : float
        As in `contend`.
    """
    low, high = 0.0, 1.0
    for _step in range(50):
        share = (low + high) / 2
        others = (threads - 1) * window_cycles * (1 - share) / ((1 - share) * pause_cycles + window_cycles or 1)
        low, high = (share, high) if 1 - exp(-others) > share else (low, share)
    return low


@cache
def _split_ends() -> int:
    """How a program ends that locks a split word: some systems end it by SIGBUS, so another program tries."""
    settings = f"{OPERATIONS.index('fetch_add')}, {PLACES.index('split')}, 1, 0, 0, 0"
    code = f"from cmpx._engine import lib as l; c = l.contention_new({settings}); l.contention_start(c); l.contention_stop(c)"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60).returncode


def _may_split() -> None:
    if platform.machine() != "x86_64":
        message = _("place='split' needs x86-64; {machine} refuses an atomic operation across two cache lines")
        raise OSError(message.format(machine=platform.machine()))
    if _split_ends():
        raise OSError(_("this system ends programs that lock a word across two cache lines; choose another place"))


def _recorded(operation: str, place: str, threads: int, window_cycles: int, pause_cycles: int, backoff: bool) -> Contention:
    """Of the recordings the one nearest to these settings; it keeps its own."""
    stored: list[dict[str, Any]] = json.loads(RECORDING.read_text())
    results = [Contention(**each | {"by_thread": tuple(each["by_thread"])}, recorded=True) for each in stored]

    def distance(result: Contention) -> tuple[bool, bool, int, float]:
        others = (result.operation != operation, result.place != place, abs(result.threads - threads))
        window = abs(log1p(result.window_cycles) - log1p(window_cycles))
        pause = abs(log1p(result.pause_cycles) - log1p(pause_cycles))
        return *others, window + pause + (result.backoff != backoff)

    return min(results, key=distance)
