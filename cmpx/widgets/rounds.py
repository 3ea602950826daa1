"""A listing raced live: what its rounds come to, while they run."""

from typing import Any

import traitlets

from cmpx.languages import _
from cmpx.listings import Listing
from cmpx.rounds import LiveRounds, RoundsResult, bounds
from cmpx.stored import is_recording
from cmpx.widgets.front import Front, module
from cmpx.widgets.racer import Racer

__all__ = ["RoundsRacer"]

_TEXTS = (
    "Race a listing",
    "stopped",
    "running",
    "paused: nobody was looking",
    "ended",
    "Start",
    "Race the processes on native threads, in a process of their own",
    "Stop",
    "Stop the threads; the counters stay",
    "Reset",
    "Stop and set every counter to 0",
    "rounds",
    "Rounds that came to their end: INIT, all processes at once, FINALLY",
    "{n}/s",
    "failing rounds",
    "Rounds in which an EXPECT was false or a WARN fired",
    "what failed",
    "The most frequent failure, and how often it came",
    "last failing outcome",
    "The globals at the end of the last failing round that was seen",
    "Outcomes: the globals when all processes are done",
    "others",
    "in every round: {values}",
    "No round has been run yet. Press Start.",
    "A race can refute; only a full check can confirm.",
)


class RoundsRacer(Racer):
    """Race a listing, live; ``Racer(listing)`` makes one.

    Nothing runs before Start is pressed or ``start()`` called, and a race that nobody looks at pauses after two seconds.

    Parameters
    ----------
    listing : Listing
        What to race.
    optimise : int or str
        The compiler's level.
    seed : int
        Of the chance by which the processes of a round start apart.
    size : {"normal", "projector"}
        Of the picture.
    """

    _esm = module("rounds")

    listing = traitlets.Unicode().tag(sync=True)
    build = traitlets.Unicode().tag(sync=True)

    def __init__(self, listing: Listing, *, optimise: int | str = 2, seed: int = 0, size: str = "normal") -> None:
        self._raced, self._seed = listing, seed
        if is_recording():
            listing.race(optimise=optimise, seed=seed)
        self._build = listing.build_to_race(*bounds(None, None, seed), optimise=optimise)
        self._race = self._new({})
        self._seen = 0.0
        self._watched = False
        Front.__init__(self, _TEXTS, size=size, listing=listing.name, build=self._build.title, frame=self._race.snapshot())

    def _new(self, settings: dict[str, Any]) -> Any:
        return LiveRounds(self._raced.name, self._build, seed=self._seed)

    @property
    def result(self) -> RoundsResult:  # type: ignore[override]
        """Stop, and return what was counted."""
        with self._lock:
            self.stop()
            result: RoundsResult = self._race.result()  # type: ignore[assignment]
            return result

    def __repr__(self) -> str:
        return f"Racer: {self._race.result()!r}\n  {_(self.status)}"
