"""The race as a widget: the reader moves one slider and sees what that does to a running race."""

import struct
import threading
import time
from typing import Any

import traitlets

from cmpx.cpus import usable_cpus
from cmpx.languages import _
from cmpx.listings import Listing
from cmpx.racing import EVENT, KINDS, SNAPSHOT, LiveRace, RaceResult, RecordedRace
from cmpx.widgets.front import Front, module, sheet

__all__ = ["Racer"]

_FRAME_S = 1 / 30
_PATIENCE_S = 2.0  # so long without a heartbeat, and the race pauses
_SETTINGS = ("strategy", "delay_cycles", "posts_per_second", "posters", "freeze")
_COUNTERS = {
    "updates": "updates",
    "retries": "retries",
    "posts": "posts",
    "coalesced": "coalesced",
    "notifications": "ON set",
    "on_cleared": "ON cleared",
    "lost": "ON lost",
    "missed_wakeups": "missed wakeups",
}

_TEXTS = (
    "Race the IOMMU",
    "stopped",
    "running",
    "paused",
    "frozen",
    "paused: nobody was looking",
    "frozen at the first damage",
    "A recording from another machine: a race needs two processors, and this machine lends one."
    " Only the strategy can be chosen.",
    "Start",
    "Start the vCPU and the posters on native threads",
    "Stop",
    "Stop the threads; the counters stay",
    "Reset",
    "Stop and set every counter to 0",
    "Update",
    "The kernel's loop: after a failed cmpxchg it reads control again",
    "The newer loop: after a failure it goes on with the value that try_cmpxchg found",
    "Wrong on purpose: a plain 64-bit store in place of the cmpxchg",
    "Wrong on purpose: old and new come from two separate reads",
    "Freeze at first damage",
    "Stop as soon as an update has overwritten ON, and show how",
    "Read-to-write window",
    "CPU cycles that the vCPU waits between reading control and writing it back",
    "{n} cycles",
    "Posts a second, each poster",
    "How often the IOMMU, and each further poster, posts an interrupt",
    "{n}/s",
    "flat out",
    "Posters",
    "Threads that post: the IOMMU alone, or other CPUs too",
    "PIR: one square for each of the 256 vectors",
    "256 vectors",
    "ON = 1",
    "ON = 0",
    "a notification is under way",
    "no notification is under way",
    "{n} of 256 in PIR",
    "interrupts pending",
    "nothing pending",
    "vCPU: {state}",
    "blocked",
    "asleep",
    "Start sets it going.",
    "Notifications reach it directly.",
    "A notification will wake it.",
    "ON was lost: only the next post wakes it.",
    "vCPU, last 3 s: {a} % running, {b} % blocked, {c} % asleep",
    "The latest collision",
    "The latest update",
    "{s} s after the start",
    "Lanes: what each thread did, in nanoseconds",
    "read",
    "✗ failed",
    "✗ ON lost",
    "✓ written",
    "✓ tried again",
    "post: ON 0 → 1",
    "old: as read",
    "memory: as found",
    "memory: overwritten",
    "new: not written",
    "new: written",
    "No attempt has been recorded yet.",
    "ON was lost, but the log no longer holds the update that did it. Start goes on to the next damage.",
    "At 0 ns the vCPU read control; by {end} ns it had written it. Control did not change in between.",
    "At 0 ns the vCPU read control. Between {from} and {to} ns {who} set ON.",
    "At 0 ns the vCPU read control. Then another thread changed it.",
    "By {end} ns cmpxchg had found a value other than old: it wrote nothing, and the loop tried again.",
    "new came from a read before that, old from a read after it: cmpxchg succeeded and erased ON.",
    "By {end} ns the store had put ON=0 over it: this notification is lost.",
    "The vCPU was about to block: it sleeps with an interrupt pending, until the next post.",
    "The vCPU was about to run: the interrupt will be late.",
    "It took so long because the operating system ran something else on this core.",
    "updates",
    "Writes of control that went through",
    "retries",
    "Attempts that failed: control had changed since the read",
    "posts",
    "Interrupts posted by the IOMMU and by other CPUs",
    "coalesced",
    "Posts that found ON=1 and sent no notification of their own",
    "ON set",
    "Posts that set ON and notified",
    "ON cleared",
    "Times the vCPU saw ON, cleared it and took PIR",
    "ON lost",
    "ON set by a post and overwritten by an update",
    "missed wakeups",
    "Times the vCPU fell asleep although an interrupt was pending",
    "Updates that had to retry",
    "Of the ON set by posts, lost",
    "{n} s ago",
    "now",
)


class Racer(Front):
    """Race the simulated IOMMU against the update loop, live, and change the race while it runs.

    Each setting is also an attribute: ``racer.strategy = "store"`` takes effect at once. Nothing runs before Start is pressed
    or ``start()`` called, and a race that nobody looks at pauses after two seconds.

    Parameters
    ----------
    strategy : {"cmpxchg", "try_cmpxchg", "store", "split_load"}
        How the vCPU updates control; see `cmpx.race`.
    delay_cycles : int
        Cycles between its read of control and its write.
    posts_per_second : float, optional
        Of each poster; None is flat out.
    posters : int
        1 is the IOMMU alone, more are other CPUs that post too.
    seed : int
        Of vectors and gaps.
    freeze : bool
        Stop at the first lost ON and show how it was lost.
    size : {"normal", "projector"}
        Of the picture.
    """

    _esm = module("racer")
    _css = sheet()

    def __new__(cls, strategy: object = "cmpxchg", *_arguments: Any, **_settings: Any) -> "Racer":
        """With a listing, the widget that races listings."""
        if cls is Racer and isinstance(strategy, Listing):
            from cmpx.widgets.rounds import RoundsRacer  # it builds on this one

            cls = RoundsRacer
        racer: Racer = super().__new__(cls)
        return racer

    strategy = traitlets.Any().tag(sync=True)
    delay_cycles = traitlets.Any().tag(sync=True)
    posts_per_second = traitlets.Any().tag(sync=True)
    posters = traitlets.Any().tag(sync=True)
    freeze = traitlets.Any().tag(sync=True)
    status = traitlets.Unicode("stopped").tag(sync=True)
    recorded = traitlets.Bool().tag(sync=True)
    frame = traitlets.Bytes().tag(sync=True)
    layout_of_frame = traitlets.Dict({"snapshot": SNAPSHOT, "event": EVENT, "kinds": KINDS}).tag(sync=True)

    def __init__(
        self,
        strategy: str = "cmpxchg",
        *,
        delay_cycles: int = 0,
        posts_per_second: float | None = 1_000_000,
        posters: int = 1,
        seed: int = 0,
        freeze: bool = False,
        size: str = "normal",
    ) -> None:
        settings = dict(zip(_SETTINGS, (strategy, delay_cycles, posts_per_second, posters, freeze), strict=True))
        self._seed = seed
        self._race = self._new(settings)
        self._seen = 0.0
        self._watched = False
        super().__init__(_TEXTS, size=size, recorded=self._race.recorded, frame=self._race.snapshot(), **settings)

    def _new(self, settings: dict[str, Any]) -> LiveRace | RecordedRace:
        race = LiveRace if usable_cpus() >= 2 else RecordedRace
        # Every attempt is stamped: without failures the picture shows successes.
        return race(**settings, seed=self._seed, log="full")

    @traitlets.validate(*_SETTINGS)
    def _apply(self, proposal: dict[str, Any]) -> Any:
        self._race.set(**{proposal["trait"].name: proposal["value"]})
        return proposal["value"]

    def start(self) -> None:
        """Start, or go on where it was stopped."""
        with self._lock:
            if self.status == "running":
                return
            self._race.start()
            self._seen = time.monotonic()
            self.status = "running"
            if not self._watched:
                self._watched = True
                threading.Thread(target=self._watch, name="cmpx-racer", daemon=True).start()

    def stop(self) -> None:
        """Stop; the counters stay."""
        with self._lock:
            self._halt("stopped")

    def reset(self) -> None:
        """Stop and set every counter to 0."""
        with self._lock:
            self._race.close()
            self._race = self._new({name: getattr(self, name) for name in _SETTINGS})
            self._halt("stopped")

    def close(self) -> None:
        """Stop for good."""
        if hasattr(self, "_race"):  # a refused setting leaves none
            with self._lock:
                self.status = "stopped"
                self._race.close()
        super().close()

    @property
    def result(self) -> RaceResult:
        """Stop, and return what was counted."""
        with self._lock:
            self.stop()
            return self._race.result()

    def _halt(self, status: str) -> None:
        self._race.stop()
        self.status = status
        self.frame = self._race.snapshot()

    def _watch(self) -> None:
        """Show the race thirty times a second while somebody looks; on a thread, since an event loop stalls with its cell."""
        due = time.monotonic()
        while True:
            with self._lock:
                if self.status != "running":
                    self._watched = False
                    return
                if self._race.finished:
                    self._halt("frozen")
                elif time.monotonic() - self._seen > _PATIENCE_S:
                    self._halt("paused")
                else:
                    self.frame = self._race.snapshot()
            now = time.monotonic()
            due = max(due + _FRAME_S, now - 3 * _FRAME_S)  # a late frame does not delay the next ones
            time.sleep(max(0.0, due - now))

    def _do_beat(self) -> None:
        self._seen = time.monotonic()
        if self.status == "paused":
            self.start()
        super()._do_beat()

    def _do_start(self) -> None:
        self.start()

    def _do_stop(self) -> None:
        self.stop()

    def _do_reset(self) -> None:
        self.reset()

    def __repr__(self) -> str:
        words = struct.unpack_from(f"<{len(SNAPSHOT)}Q", self.frame)
        state = dict(zip(SNAPSHOT, words, strict=True))
        rate = self.posts_per_second
        heading = _("Racer: {strategy}, {delay_cycles:,} cycles between read and write, {rate}, posters: {posters}; {status}")
        text = heading.format(
            strategy=self.strategy,
            delay_cycles=self.delay_cycles,
            rate=_("flat out") if rate is None else _("{n}/s").format(n=f"{rate:,}"),
            posters=self.posters,
            status=_(self.status),
        )
        if self.recorded:
            text += "\n" + _(
                "A recording from another machine: a race needs two processors, and this machine lends one."
                " Only the strategy can be chosen."
            )
        if state["elapsed_ns"]:
            text += "".join(f"\n{state[name]:>20,}  {_(word)}" for name, word in _COUNTERS.items())
        return text
