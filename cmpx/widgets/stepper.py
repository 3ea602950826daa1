"""The stepper: one listing, one shared access at a time, in a page that needs no kernel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cmpx.checking import Trace
from cmpx.graphs import graph
from cmpx.languages import _, language
from cmpx.widgets.front import page, vocabulary

if TYPE_CHECKING:
    from cmpx.listings import Listing

__all__ = ["Stepper"]

_STATES = 200_000
_SECONDS = 20.0

_TEXTS = (
    "Step through",
    "finished",
    "reads {name}",
    "reads {name}: {before}",
    "writes {name}",
    "writes {name}: {before} → {after}",
    "cmpxchg of {name}: {expected} → {new}",
    "cmpxchg of {name} succeeds: {before} → {after}",
    "cmpxchg of {name} fails: {expected} expected, {before} found",
    "; {thread} changed it in step {number}",
    "changes {name} atomically",
    "changes {name} atomically: {before} → {after}",
    "full fence",
    "takes the lock {name}",
    "frees {name}",
    "its store to {name} reaches memory: {before} → {after}",
    "(half of a bit-field store)",
    "Press {keys}, or click a process: it makes its next access to shared memory.",
    "Step {number}, {thread}: {words}.",
    "✗ {message}",
    "✓ The run has ended, and every claim held.",
    "every claim held",
    "Point of no return: from here every continuation fails.",
    "point of no return: from here every continuation fails",
    "Every run of this listing fails.",
    "every run fails",
    "the run has ended",
    "this step leads out of the part that is stored here",
    "its store buffer is empty",
    "it has finished",
    "its store buffer must be empty first",
    "its store buffer is full",
    "it waits for the lock {name}",
    "it cannot run",
    "{thread} cannot take a step: {why}.",
    "That is not your process. You are {who}.",
    "This is the beginning.",
    "Back at the beginning.",
    "There is nothing to redo.",
    "There is nothing to play yet: take some steps, or paste a schedule.",
    "There is no failing run: {verdict}.",
    "No failing run was found, but not all was seen.",
    "The shortest failing run has {count} steps. Undo and Redo walk through it.",
    "{word} is no step of this listing; its processes are {names}.",
    "Stopped before step {number}: {thread} cannot take it, {why}.",
    "Replayed {count} steps.",
    "{thread} expects {expected} in {name}. Will its cmpxchg succeed?",
    "it succeeds",
    "it fails",
    "{thread} is about to read {name}. What will it find?",
    "What will stand in {name} after this step of {thread}?",
    "✓ Right.",
    "✗ No: {answer}.",
    "You are {you}, and {others} means harm. Step ({key}) or wait (W). Finish with every claim intact.",
    "You are {you}: make {other} fail. Step when you like; W lets {other} take one step.",
    "{thread} takes {count} steps.",
    "{thread} waits too: it has time.",
    "{thread} has no step left.",
    "✗ {other} has beaten you: {message}",
    "✓ You have finished, and every claim held.",
    "✓ You have beaten {other}: {message}",
    "✗ {other} has finished, and every claim held. Try again, or give up.",
    "nothing bad in what was seen, but not all was seen",
    "of {total} interleavings, {bad} fail",
    "it holds in every interleaving, however long",
    "it holds in every one of {total} interleavings",
    "Check: {verdict}.",
    "This is the shortest failing run.",
    "Nobody could have won.",
    "Undo",
    "One step back: Z",
    "Redo",
    "One step forward again: Y",
    "Start over",
    "Back to the beginning: 0",
    "Play",
    "Pause",
    "Play what Redo would do, or the run from its beginning: Space",
    "Shortest failing run",
    "Show the shortest run that comes to a finding: F",
    "Wait",
    "Let the other side move: W",
    "I give up",
    "End the game and check every interleaving: G",
    "Predict the next value",
    "Before each step, say what it will read or write: P",
    "You are",
    "everyone",
    "You decide who takes each step",
    "A game, turn by turn: {you} against a hostile {others}",
    "A game, turn by turn: {you} against the code of {others}",
    "Source",
    "What each process did, step by step",
    "Shared memory",
    "was {value}",
    "{name} as read",
    "stale: now {value}",
    "Store buffer",
    "empty",
    "The oldest store reaches memory: Shift+{key}",
    "Map of the states",
    "{shown} of {states} states: the part around the run",
    "{states} states; click one to go there",
    "after {schedule}",
    "the beginning",
    "you are here",
    "a failing end",
    "a good end",
    "every continuation fails",
    "point of no return",
    "what can still happen is shown after the game",
    "Schedule",
    "Who takes which step. Paste one and press Enter to replay it.",
    "Copy",
    "Copy the schedule: C",
    "Copied the schedule.",
    "The schedule is selected: copy it with the keys of your browser.",
    "Replay",
    "Replay what stands in the field: Enter",
    "Keys: {keys} step · Z undo · Y redo · 0 start over · Space play · F shortest failing run · P predict · C copy",
    "Keys: {keys} step · W wait · Z undo · 0 start over · G give up · C copy",
    "Shift and a number: its oldest store reaches memory",
    "{stored} of {states} states are stored here: the failing runs and what lies around them.",
    "sequential consistency",
)


class Stepper:
    """Step through a listing, play against it, find out how it fails.

    In a notebook it is a page of its own: it carries the state graph, and works on when the notebook is reopened or saved
    as HTML. Its text is a trace.

    Parameters
    ----------
    listing : Listing
        What to step through.
    memory : {"sc", "tso"}
        As for `Listing.check`.
    optimise : int or str
        The compiler's level; locals have names at level 0.
    schedule : str
        The run to begin with, as `Trace.schedule` writes it.
    size : {"normal", "projector"}
        Of the picture.
    """

    def __init__(
        self, listing: Listing, memory: str = "sc", *, optimise: int | str = 0, schedule: str = "", size: str = "normal"
    ) -> None:
        if size not in ("normal", "projector"):
            raise ValueError(_("there is no size {size!r}; choose 'normal' or 'projector'").format(size=size))
        self._graph = graph(listing, memory, optimise, _STATES, _SECONDS)
        self._schedule = schedule
        self._size = size
        self.trace: Trace
        if schedule:
            self.trace = listing.replay(schedule, memory, optimise=optimise)
        elif self._graph.findings:
            self.trace = self._graph.findings[0].trace
        else:
            self.trace = listing.replay(self._graph.run, memory, optimise=optimise)

    def __repr__(self) -> str:
        data = self._graph.data
        heading = _("Step through {listing}: {processes}").format(
            listing=data["listing"], processes=", ".join(data["processes"])
        )
        return f"{heading}\n{self.trace}"

    def _repr_html_(self) -> str:
        data: dict[str, Any] = {
            "graph": self._graph.data,
            "texts": vocabulary(_TEXTS),
            "language": language(),
            "size": self._size,
            "schedule": self._schedule,
        }
        return page(repr(self), data, "graph", "map", "stepper")
