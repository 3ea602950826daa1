"""Listings to be broken: predictions that are locked in first, schedules that fail, and a listing that survives a race.

Nothing here knows which of the listings are wrong: `check` says so, whenever it is asked.
"""

import ast
import hashlib
import re
from collections.abc import Callable, Mapping
from itertools import permutations
from typing import Any

from cmpx.checking import Trace, Verdict
from cmpx.course import Answer, Assignment, Failure, Question, forbidden, question
from cmpx.cpus import usable_cpus
from cmpx.listings import Listing
from cmpx.progress import CONFIDENCES, Commitment, commit, commitments
from cmpx.sources import CSRC, Source
from cmpx.toolchain import CompileError, vet

__all__ = ["Six", "examine", "listings", "point_of_no_return", "receipt"]

CHAPTER = "a5-break-it"
SAID = ("holds", "fails")
STATES, SECONDS = 100_000, 10.0
ROUNDS, RACE_SECONDS = 100_000_000, 3.0
"""An examination ends a race at whichever comes first."""

_STUCK = {"livelock", "deadlock", "endless loop"}
_PREDICTION = re.compile(rf"^[ \t]*([A-F])[ \t]+({'|'.join(SAID)})[ \t]+({'|'.join(CONFIDENCES)})[ \t]*$", re.M)
_RECEIPT = re.compile(r"^[ \t]*receipt[ \t]+([0-9a-f]{8})[ \t]*$", re.M)
_SCHEDULE = re.compile(r"^[ \t]*([A-F])[ \t]+(\d+)[ \t]*[:：][ \t]*(\S[^\n\"']{0,999}?)[ \t]*$", re.M)


def listings(values: Mapping[str, int]) -> dict[str, tuple[str, Listing]]:
    """The listings of one variant, by letter, each with the name of its file.

    Parameters
    ----------
    values : Mapping of str to int
        ORDER, which of all orders; START, the number that stands for START in their texts.
    """
    files = sorted((CSRC / "questions/break").glob("*.c"))
    orders = list(permutations(files))
    ordered = zip("ABCDEF", orders[values["ORDER"] % len(orders)], strict=True)
    texts = {
        letter: (file.stem, re.sub(r"\bSTART\b", str(values["START"]), file.read_text("utf-8"))) for letter, file in ordered
    }
    return {letter: (name, Listing(text, name=letter)) for letter, (name, text) in texts.items()}


def receipt(predictions: Mapping[str, tuple[str, str]], values: Mapping[str, int]) -> str:
    """A digest of predictions, which no longer fits once they, or the variant, are others.

    Parameters
    ----------
    predictions : Mapping of str to (str, str)
        By letter: "holds" or "fails", and how sure.
    values : Mapping of str to int
        The constants of the variant.
    """
    lines = [
        f"{values['ORDER']} {values['START']}",
        *(" ".join((letter, *predictions[letter])) for letter in sorted(predictions)),
    ]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:8]


class Six:
    """The six listings of one student: to be read at any time, to be run once the predictions are locked in.

    Parameters
    ----------
    assignment : Assignment
        In the student's variant.
    """

    def __init__(self, assignment: Assignment) -> None:
        self._listings = listings(assignment.constants)

    def show(self, letter: str) -> Source:
        """The text of one; a notebook colours it."""
        return self._listings[letter][1].show()

    def __getitem__(self, letter: str) -> Listing:
        if not _locked():
            raise ValueError(question("schedules").told("", "first_lock").message)
        return self._listings[letter][1]


def _locked() -> dict[str, Commitment]:
    """What was said first of each listing, on this machine, by its file's name."""
    found: dict[str, Commitment] = {}
    for each in commitments():
        if each.chapter == CHAPTER and each.choice in range(len(SAID)):
            found.setdefault(each.asked, each)
    return found


def examine(asked: Question, answer: Answer, values: Mapping[str, int]) -> list[Failure]:
    """Examine what a student says of the six listings, or the student's own listing.

    Parameters
    ----------
    asked, answer : Question, Answer
        What was asked and what was written.
    values : Mapping of str to int
        The constants of the variant.
    """
    kinds: dict[str, Callable[[Question, Answer, Mapping[str, int]], list[Failure]]]
    kinds = {"predictions": _predictions, "schedules": _schedules, "survivor": _survivor}
    return kinds[asked.kind](asked, answer, values)


def _text(asked: Question, answer: Answer) -> str:
    """The lines of the answer: in grading, those of the string in the cell as Python would read it."""
    if isinstance(answer.value, str):
        return answer.value
    try:
        statements = ast.parse(answer.text).body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return answer.text
    for statement in reversed(statements):
        match statement:
            case ast.Assign(targets=[ast.Name(id=asked.name)], value=ast.Constant(value=str(lines))):
                return lines
    return answer.text


# -- predictions -------------------------------------------------------------------------------------------------------


def _predictions(asked: Question, answer: Answer, values: Mapping[str, int]) -> list[Failure]:
    text = _text(asked, answer)
    said = {letter: (verdict, sure) for letter, verdict, sure in _PREDICTION.findall(text)}
    ours = listings(values)
    if missing := [letter for letter in ours if letter not in said]:
        return [asked.told("effect", "missing", letters=", ".join(missing))]
    receipts = _RECEIPT.findall(text)
    whole = receipts[-1:] == [receipt(said, values)]
    if answer.value is not None:
        return [_lock(asked, ours, said, values, whole)]
    if not whole:
        return [asked.told("effect", "changed" if receipts else "unlocked")]
    share = 1 / len(ours)
    found = []
    for letter, (_name, listing) in ours.items():
        verdict = _verdict(listing)
        if said[letter][0] != verdict.status:
            words = dict(zip(("said", "sure"), said[letter], strict=True), letter=letter, verdict=verdict.status)
            found.append(asked.told("effect", "wrong", share=share, **words))
    return found


def _lock(
    asked: Question,
    ours: Mapping[str, tuple[str, Listing]],
    said: Mapping[str, tuple[str, str]],
    values: Mapping[str, int],
    whole: bool,
) -> Failure:
    """Keep the predictions if they are the first ones; never say which are right."""
    first = _locked()
    if not first:
        for letter, (name, listing) in ours.items():
            verdict, sure = said[letter]
            commit(CHAPTER, name, SAID.index(verdict), sure, _verdict(listing).status == verdict)
    kept = {letter: (SAID[first[name].choice], first[name].confidence) for letter, (name, _l) in ours.items() if name in first}
    if any(said[letter] != before for letter, before in kept.items()):
        when = min(each.time for each in first.values())
        lines = (" ".join((letter, *before)) for letter, before in kept.items())
        return asked.told("effect", "other", time=when, trace="\n".join(lines))
    if not whole:
        return asked.told("effect", "copy", receipt=receipt(said, values))
    return asked.told("effect", "locked", share=0.0)


def _verdict(listing: Listing) -> Verdict:
    """Under x86-TSO, in which every run of sequential consistency is possible too."""
    return listing.check("tso", states=STATES, seconds=SECONDS)


# -- schedules ---------------------------------------------------------------------------------------------------------


def _schedules(asked: Question, answer: Answer, values: Mapping[str, int]) -> list[Failure]:
    if answer.value is not None and not _locked():
        return [asked.told("", "first_lock", nothing=True)]
    given = {letter: (int(number), schedule) for letter, number, schedule in _SCHEDULE.findall(_text(asked, answer))}
    ours = listings(values)
    wrong = [letter for letter, (_name, listing) in ours.items() if _verdict(listing).status == "fails"]
    share = 1 / len(wrong)
    found = []
    for letter in sorted({*wrong, *given}):
        if letter not in given:
            lost = [asked.told(name, "none", share=share, letter=letter) for name in ("safety", "progress")]
        else:
            lost = _schedule(asked, letter, ours[letter][1], *given[letter], share)
        # what holds has no point of no return that could be asked for
        found += [each for each in lost if letter in wrong or each.property == "safety"]
    return found


def _schedule(asked: Question, letter: str, listing: Listing, number: int, schedule: str, share: float) -> list[Failure]:
    """One schedule: it must end in a finding, and the number must be that of its point of no return."""
    memory = "tso" if "~" in schedule else "sc"
    try:
        trace = listing.replay(schedule, memory)
    except ValueError as error:
        return [Failure(name, f"{letter}: {error}", share=share) for name in ("safety", "progress")]
    if not (trace.end and trace.steps):
        well = asked.told("safety", "well", share=share, letter=letter, trace=str(trace))
        return [well, asked.told("progress", "nothing_lost", share=share, letter=letter)]
    if number != point_of_no_return(listing, trace, memory):
        return [asked.told("progress", "elsewhere", share=share, letter=letter, number=str(number), trace=str(trace))]
    return []


def point_of_no_return(listing: Listing, trace: Trace, memory: str = "sc") -> int | None:
    """The number of the step of a run from which on no continuation ends well; None if one still does.

    Parameters
    ----------
    listing : Listing
        Small enough to be seen whole.
    trace : Trace
        Any run of it, or the beginning of one.
    memory : {"sc", "tso"}
        As for `Listing.check`.

    Raises
    ------
    ValueError
        Not all of it was seen.
    """
    limits: dict[str, Any] = {"states": STATES, "seconds": SECONDS, "deadline": int(SECONDS) + 30, "graph": STATES}
    answer = listing.run("check", memory=memory, **limits)[0].answer
    if not answer.get("complete"):
        raise ValueError(f"{listing.name}: {answer.get('states', 0)} states, and not all were seen")
    names: list[str] = answer["processes"]
    numbers = {action: i + 8 * bool(mark) for i, name in enumerate(names) for mark in ("", "~") for action in [name + mark]}
    nodes = {node["number"]: node for node in answer["graph"]}
    state = 0
    for steps in range(len(trace.steps) + 1):
        if not nodes[state]["can"] & 1:
            return steps
        if steps < len(trace.steps):
            state = dict(nodes[state]["edges"])[numbers[trace.steps[steps].action]]
    return None


# -- a listing that survives -------------------------------------------------------------------------------------------


def _survivor(asked: Question, answer: Answer, values: Mapping[str, int]) -> list[Failure]:
    found = forbidden(asked, answer)
    if found:
        return found
    # the magic is the first line of the cell
    try:
        vet(answer.text, asked.name)
        listing = Listing(answer.text, name=asked.name, first_line=2)
    except (CompileError, ValueError) as error:
        return [Failure("constraints", str(error))]
    # the race is compiled at level 2: what is wrong must be wrong there as well
    for level in (0, 2):
        try:
            verdict = listing.check(optimise=level, states=STATES, seconds=SECONDS)
        except (CompileError, ValueError) as error:
            return [Failure("constraints", str(error))]
        stuck = [finding.message for finding in verdict.findings if finding.kind in _STUCK]
        if stuck:
            return [asked.told("constraints", "stopped", why=stuck[0])]
        finding = next((finding for finding in verdict.findings if finding.trace.steps), None)
        if finding is None:
            return [asked.told("constraints", "holds", verdict=str(verdict))]
        if finding.trace.no_return == 0:
            return [asked.told("constraints", "always", trace=str(finding.trace))]
    for seconds in (RACE_SECONDS / 10, RACE_SECONDS):
        run = listing.race(seconds=seconds, rounds=ROUNDS)
        if run.failing or run.stopped:
            break
    if run.failing:
        why = next(iter(run.failures))
        return [asked.told("constraints", "caught", rounds=f"{run.rounds:,}", failing=f"{run.failing:,}", why=why)]
    if usable_cpus() < 2:
        raise RuntimeError(run.recorded or run.stopped)  # that is no fault of the listing's
    if run.stopped:
        return [asked.told("constraints", "stopped", why=run.stopped)]
    return [asked.told("constraints", "survived", share=0.0, rounds=f"{run.rounds:,}", seconds=f"{run.seconds:.1f}")]
