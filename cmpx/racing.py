"""Race the simulated IOMMU against the pi_desc update loop, on real cores."""

import json
import os
import struct
import time
import zlib
from base64 import b64decode
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cmpx._engine import ffi, lib
from cmpx.cpus import usable_cpus
from cmpx.iommu import Native, integer, period_ns
from cmpx.languages import _
from cmpx.pi_desc import PiDesc

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["EVENT", "KINDS", "SNAPSHOT", "STRATEGIES", "Event", "LiveRace", "RaceResult", "RecordedRace", "race"]

STRATEGIES = ("cmpxchg", "try_cmpxchg", "store", "split_load")
KINDS = ("update", "failed", "retry", "store", "damage", "post", "coalesced")
LOGS = ("failures", "full", "none")
MOST_DELAY = 10_000_000

SNAPSHOT = (
    "sequence", "elapsed_ns", "running", "frozen", "vcpu_state", "rounds", "updates", "attempts", "retries",
    "posts", "merged", "coalesced", "suppressed", "notifications", "on_cleared", "harvested", "lost",
    "missed_wakeups", "sleeping_ns", "control", "pir0", "pir1", "pir2", "pir3", "events",
)  # fmt: skip
"""What the 64-bit words of a snapshot are, in order."""
EVENT = ("thread", "kind", "begin_ns", "end_ns", "old", "new", "seen")
"""What the 64-bit words of each event behind them are."""

_POSTS = ("posts", "merged", "coalesced", "suppressed", "notifications")
_SHOWN = 64
_TIMELINE = 32768
_RECORDINGS = Path(__file__).parent / "recordings"


@dataclass(frozen=True)
class Event:
    """One attempt of the vCPU's, or one post.

    Parameters
    ----------
    thread : str
        "vCPU", "IOMMU", or "CPU 2" and up for the other posters.
    kind : str
        "update" (success at the first try), "failed", "retry" (success after a failure), "store", "damage" (an update that
        erased ON), "post" (it set ON), "coalesced" (it did not).
    begin, end : int
        Nanoseconds since the start of the race, before the first access and after the last; begin is None where it was not
        stamped.
    old, new, seen : int
        Control as read, as written or meant to be, and as the cmpxchg found it. For a post, seen is its vector.
    """

    thread: str
    kind: str
    begin: int | None
    end: int
    old: int
    new: int
    seen: int


@dataclass(frozen=True)
class RaceResult:
    """The counts of a race, exact.

    Always ``lost == notifications - on_cleared - on_final``, ``posts - merged == harvested + pending`` (bits of PIR turned on)
    and ``attempts == updates + retries``.

    Parameters
    ----------
    strategy : str
        How control was updated.
    seconds : float
        How long it ran.
    rounds : int
        Times the vCPU blocked, unblocked and harvested.
    updates, attempts, retries : int
        Successful writes of control, tries, and failed tries.
    retry_histogram : tuple of int
        ``retry_histogram[k]`` updates needed k retries; the last entry counts k and more.
    posts, merged, coalesced, notifications : int
        Posts; those whose vector was pending already; those that found ON set; those that set ON and notified.
    on_cleared, on_final : int
        Times the vCPU cleared ON, and ON at the end.
    harvested, pending : int
        Vectors taken from PIR, and those left in it.
    lost : int
        Times ON was erased by an update.
    missed_wakeups : int
        Times the vCPU blocked with an interrupt pending because ON was lost.
    wake_ns : tuple of int
        How long it then slept until the next post woke it, in nanoseconds; the last 1,024 of them.
    asleep : bool
        Whether it was still asleep, with an interrupt pending, at the end.
    timeline : tuple of Event
        The last stretch that the logs of all threads cover, by end. If nothing collided there: a longer one, with failed and
        damaging attempts, the tries after them, and the posts that set ON.
    cpus : int
        Processors that were usable.
    recorded : bool
        Whether this is a recording from another machine, shown because this one has a single usable processor.
    """

    strategy: str
    seconds: float
    rounds: int
    updates: int
    attempts: int
    retries: int
    retry_histogram: tuple[int, ...]
    posts: int
    merged: int
    coalesced: int
    notifications: int
    on_cleared: int
    on_final: int
    harvested: int
    pending: int
    lost: int
    missed_wakeups: int
    wake_ns: tuple[int, ...]
    asleep: bool
    timeline: tuple[Event, ...]
    cpus: int
    recorded: bool = False

    def plot(self) -> "Figure":
        """Draw where every notification went, the retries, and a failed or damaging attempt up close."""
        from cmpx.plotting import plot_race

        return plot_race(self)

    def _rows(self) -> list[tuple[str, str]]:
        def share(part: int, whole: int) -> str:
            return f"{part:,} ({part / whole:.2%})" if whole else f"{part:,}"

        rows = [
            (_("updates"), f"{self.updates:,}"),
            (_("retries"), share(self.retries, self.updates)),
            (_("posts"), f"{self.posts:,}"),
            (_("notifications (ON set)"), f"{self.notifications:,}"),
            (_("lost ON"), share(self.lost, self.notifications)),
            (_("missed wakeups"), f"{self.missed_wakeups:,}"),
            (_("interrupts harvested"), f"{self.harvested:,}"),
        ]
        if self.asleep:
            rows.append((_("at the end"), _("the vCPU sleeps, with an interrupt pending")))
        return rows

    def _title(self) -> str:
        title = _("race({strategy!r}): {seconds:.2f} s").format(strategy=self.strategy, seconds=self.seconds)
        if self.recorded:
            title += _(" — a recording from another machine: a race needs two processors, and this machine lends one")
        return title

    def __repr__(self) -> str:
        rows = self._rows()
        return "\n".join([self._title(), *(f"  {value:>20}  {name}" for name, value in rows)])

    def _repr_html_(self) -> str:
        cells = "".join(
            f'<tr><td style="text-align:left">{name}</td><td style="text-align:right">{value}</td></tr>'
            for name, value in self._rows()
        )
        return f'<table><caption style="padding-top: 0.5em">{self._title()}</caption>{cells}</table>'


def _thread(number: int) -> str:
    return "vCPU" if number == 0 else "IOMMU" if number == 1 else f"CPU {number}"


def _index(name: str, value: str, names: tuple[str, ...]) -> int:
    if value not in names:
        message = _("{name} is {value!r}; choose one of {names}")
        raise ValueError(message.format(name=name, value=value, names=", ".join(map(repr, names))))
    return names.index(value)


def _free_race(handle: Any) -> None:
    lib.race_stop(handle)
    lib.race_free(handle)


class LiveRace(Native):
    """A race that runs until it is stopped, and whose settings change while it runs.

    Parameters
    ----------
    strategy : {"cmpxchg", "try_cmpxchg", "store", "split_load"}
        How control is updated; see `race`.
    delay_cycles : int
        Cycles (of the time-stamp counter) that pass between the read and the write of an update, 0 to 10,000,000.
    posts_per_second : float, optional
        Of each poster, on average; None is flat out.
    posters : int
        The IOMMU alone, or with other CPUs that post, 1 to 8.
    seed : int
        Of vectors and gaps.
    pi : PiDesc, optional
        Where they race; by default a new one.
    log : {"failures", "full", "none"}
        Stamp failed tries and the try after each, or every one (which halves the speed), or nothing.
    freeze : bool
        Stop at the first lost ON; then every try is stamped, so that the picture holds the one that did it.
    last_post : bool
        While the vCPU sleeps over a missed wakeup, no post comes: it sleeps until the race is stopped.
    """

    recorded = False

    def __init__(
        self,
        strategy: str = "cmpxchg",
        *,
        delay_cycles: int = 0,
        posts_per_second: float | None = None,
        posters: int = 1,
        seed: int = 0,
        pi: PiDesc | None = None,
        log: str = "failures",
        freeze: bool = False,
        last_post: bool = False,
    ) -> None:
        integer("seed", seed, 0, 2**60)
        super().__init__(pi or PiDesc(), lambda memory: lib.race_new(memory, seed), _free_race)
        self._sequence = 0
        self._log = _index("log", log, LOGS)
        self._c.last_post = bool(last_post)
        self._events = ffi.new("struct event[]", _SHOWN)
        self.set(
            strategy=strategy,
            delay_cycles=delay_cycles,
            posts_per_second=posts_per_second,
            posters=posters,
            freeze=freeze,
        )

    def set(self, **settings: Any) -> None:
        """Change strategy, delay_cycles, posts_per_second, posters or freeze, at once, also while it runs."""
        values = dict(settings)
        with self._lock:
            c = self._c
            if "strategy" in values:
                name = values.pop("strategy")
                c.strategy = _index("strategy", name, STRATEGIES)
                self.strategy = name
            if "delay_cycles" in values:
                c.delay = integer("delay_cycles", values.pop("delay_cycles"), 0, MOST_DELAY)
            if "posts_per_second" in values:
                lib.race_rate(c, period_ns(values.pop("posts_per_second")))
            if "freeze" in values:
                c.freeze = bool(values.pop("freeze"))
                c.log_level = LOGS.index("full") if c.freeze else self._log
            if "posters" in values:
                self._check(lib.race_posters(c, integer("posters", values.pop("posters"), 1, lib.MAX_POSTERS)))
            if values:
                message = _("{name} cannot be changed; strategy, delay_cycles, posts_per_second, posters and freeze can")
                raise TypeError(message.format(name=", ".join(values)))

    @staticmethod
    def _check(error: int) -> None:
        if error:
            raise OSError(error, os.strerror(error))

    def start(self) -> None:
        """Start, or go on where it was stopped."""
        with self._lock:
            if not self._c.running:
                self._check(lib.race_start(self._c))

    def stop(self) -> None:
        """Stop; every native thread has ended when this returns."""
        with self._lock:
            lib.race_stop(self._c)

    @property
    def running(self) -> bool:
        """Whether its threads run."""
        with self._lock:
            return bool(self._native and self._native.running)

    @property
    def finished(self) -> bool:
        """Whether the vCPU has stopped by itself: frozen at a lost ON, or all rounds done."""
        return bool(self._c.frozen or self._c.done)

    def _counts(self) -> dict[str, int]:
        posts = ffi.new("u64[5]")
        lib.race_posts(self._c, posts)
        counts = dict(zip(_POSTS, posts, strict=True))
        for name in ("rounds", "retries", "on_cleared", "harvested", "lost", "missed_wakeups"):
            counts[name] = getattr(self._c, name)
        counts["updates"] = lib.race_updates(self._c)
        counts["attempts"] = counts["updates"] + counts["retries"]
        return counts

    def snapshot(self) -> bytes:
        """The state now, as little-endian 64-bit words: those of SNAPSHOT, then those of EVENT for each event, at most 64.

        The events are the latest failed or damaging attempt, the try after it and the posts around them; newest last.
        """
        with self._lock:
            c = self._c
            self._sequence += 1
            events = lib.race_events(c, self._events, _SHOWN, 1)
            pir = self.pi.pir
            words = self._counts() | {
                "sequence": self._sequence,
                "elapsed_ns": lib.race_elapsed_ns(c),
                "running": int(c.running and not c.frozen),
                "frozen": c.frozen,
                "vcpu_state": lib.race_vcpu_state(c),
                "sleeping_ns": lib.race_slept_ns(c),
                "control": self.pi.control.value,
                "events": events,
            }
            words |= {f"pir{i}": pir[2 * i] | pir[2 * i + 1] << 32 for i in range(4)}
            head = struct.pack(f"<{len(SNAPSHOT)}Q", *(words[name] for name in SNAPSHOT))
            return head + bytes(ffi.buffer(self._events, events * ffi.sizeof("struct event")))

    def result(self) -> RaceResult:
        """Stop, and return what was counted."""
        with self._lock:
            self.stop()
            c = self._c
            events = ffi.new("struct event[]", _TIMELINE)
            wakes = ffi.new("u64[]", lib.MAX_WAKES)
            counts: dict[str, Any] = self._counts()
            del counts["suppressed"]
            return RaceResult(
                strategy=self.strategy,
                seconds=lib.race_elapsed_ns(c) / 1e9,
                retry_histogram=tuple(c.retry_histogram),
                on_final=self.pi.on,
                pending=len(self.pi.pending),
                wake_ns=tuple(wakes[0 : lib.race_wakes(c, wakes)]),
                asleep=lib.race_vcpu_state(c) == lib.ASLEEP,
                timeline=tuple(
                    Event(_thread(e.thread), KINDS[e.kind], e.begin or None, e.end, e.old, e.new, e.seen)
                    for e in events[0 : lib.race_events(c, events, _TIMELINE, 0)]
                ),
                cpus=usable_cpus(),
                **counts,
            )


def _recording(strategy: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((_RECORDINGS / f"{strategy}.json").read_text())
    return content


def _recorded_result(strategy: str) -> RaceResult:
    stored = _recording(strategy)["result"]
    timeline = tuple(Event(*event) for event in stored.pop("timeline"))
    lists = {name: tuple(value) for name, value in stored.items() if isinstance(value, list)}
    return RaceResult(**stored | lists, timeline=timeline, recorded=True)


class RecordedRace:
    """Plays recorded snapshots in place of a LiveRace; all settings but the strategy are those of the recording."""

    recorded = True

    def __init__(self, strategy: str = "cmpxchg", **settings: Any) -> None:
        self._position = 0
        self.running = False
        self.finished = False
        self.set(strategy=strategy)

    def set(self, strategy: str | None = None, **settings: Any) -> None:
        """Play the recording of another strategy; the other settings stay as they were recorded."""
        if strategy is not None:
            _index("strategy", strategy, STRATEGIES)
            self.strategy = strategy
            stored = _recording(strategy)["snapshots"]
            self._snapshots = [zlib.decompress(b64decode(snapshot)) for snapshot in stored]
            self._position = 0

    def start(self) -> None:
        """Play."""
        self.running = True

    def stop(self) -> None:
        """Pause."""
        self.running = False

    close = stop

    def snapshot(self) -> bytes:
        """The next recorded snapshot; the last one when stopped, and at the end it begins again."""
        if self.running:
            self._position = (self._position + 1) % len(self._snapshots)
        return self._snapshots[self._position]

    def result(self) -> RaceResult:
        """The recorded result, labelled."""
        return _recorded_result(self.strategy)


def race(
    strategy: str,
    seconds: float | None = None,
    rounds: int | None = None,
    *,
    delay_cycles: int = 0,
    posts_per_second: float | None = None,
    posters: int = 1,
    seed: int = 0,
    log: str = "failures",
    last_post: bool = False,
) -> RaceResult:
    """Race posting threads against a vCPU that blocks and unblocks without end, updating control each time.

    A round: block (NV = 0xF1, NDST; test ON), unblock (NV = 0xF2, NDST of the CPU it now runs on), and harvest if ON is set
    (clear it, then take PIR). A blocked vCPU with nothing pending is woken at once, as by its timer. One that blocked with an
    interrupt pending because its ON was lost sleeps until the next post: a missed wakeup.

    Parameters
    ----------
    strategy : {"cmpxchg", "try_cmpxchg", "store", "split_load"}
        A cmpxchg loop that reads again after a failure; one that goes on with the value the failed try saw; a plain 64-bit
        store; a cmpxchg whose old and new come from two reads. ``cmpx.sources.source`` prints them.
    seconds : float, optional
        When to stop; one second if neither bound is given.
    rounds : int, optional
        After how many rounds to stop.
    delay_cycles, posts_per_second, posters, seed, log, last_post
        See LiveRace.

    Returns
    -------
    RaceResult
        With fewer than two usable processors a labelled recording: taking turns, a plain store seldom loses anything,
        and the race would teach the opposite.

    Raises
    ------
    ValueError, TypeError
        A setting is out of its range; the message gives the range.
    KeyboardInterrupt
        Interrupted; its threads have ended.
    """
    if seconds is None and rounds is None:
        seconds = 1.0
    if seconds is not None and (isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 < seconds <= 86400):
        raise ValueError(_("seconds is {value!r}; give more than 0 and at most 86400").format(value=seconds))
    if last_post and seconds is None:
        raise ValueError(_("with last_post the vCPU may sleep for ever; give seconds"))
    live = LiveRace(
        strategy,
        delay_cycles=delay_cycles,
        posts_per_second=posts_per_second,
        posters=posters,
        seed=seed,
        log=log,
        last_post=last_post,
    )
    try:
        if rounds is not None:
            live._c.max_rounds = integer("rounds", rounds, 1, 2**62)
        if usable_cpus() < 2:
            return _recorded_result(strategy)
        live.start()
        end = time.monotonic() + (seconds if seconds is not None else float("inf"))
        while not live.finished and (left := end - time.monotonic()) > 0:
            time.sleep(min(left, 0.02))
        return live.result()
    finally:
        live.close()
