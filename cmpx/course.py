"""Assignments: what a question asks of an answer, which of its properties hold, and what to tell whoever wrote it.

A question stands in ``questions/NAME.toml``; one about C has a harness in ``csrc/questions/NAME.c``. An answer in C is checked
in every interleaving, in the worker. In grading no answer runs in this process.
"""

import hashlib
import inspect
import math
import os
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import import_module
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from cmpx.checking import TROUBLES, Finding, Trace, Verdict
from cmpx.languages import _, language
from cmpx.listings import LITERALS, Listing
from cmpx.sources import CSRC
from cmpx.toolchain import CompileError

if TYPE_CHECKING:
    from cmpx.widgets.stepper import Stepper

__all__ = ["ASSIGNMENTS", "Answer", "Assignment", "Failure", "Question", "Report", "grade", "question"]

PROPERTIES = ("safety", "effect", "progress", "constraints")
STATES, SECONDS = 500_000, 20.0
_STUCK = {"livelock", "deadlock", "endless loop"}
_MISUSE = {"use after free", "double free", "bad free"}
# the modules that know the other kinds of question
_EXAMINERS = {
    "python": "adversary",
    "predictions": "breaking",
    "schedules": "breaking",
    "survivor": "breaking",
    "claims": "claims",
}


@dataclass(frozen=True)
class Question:
    """One question of an assignment.

    Parameters
    ----------
    name : str
        Of its file, and of what the answer defines.
    data : Mapping
        What the file says.
    """

    name: str
    data: Mapping[str, Any]

    @property
    def kind(self) -> str:
        """What knows how to examine it."""
        return str(self.data["kind"])

    @property
    def points(self) -> dict[str, float]:
        """What each property is worth."""
        return {name: float(value) for name, value in self.data["points"].items()}

    def variant(self, assignment: str, student: str) -> dict[str, int]:
        """The constants of one student; without a student, the book's own.

        Parameters
        ----------
        assignment, student : str
            Whose they are: a constant of the same name is the same in every question of an assignment.
        """
        chosen = {}
        for name, values in self.data.get("variant", {}).items():
            seed = hashlib.sha256("\0".join((assignment, student, name)).encode()).digest()
            chosen[name] = values[int.from_bytes(seed[:8], "little") % len(values) if student else 0]
        return chosen

    @staticmethod
    def say(texts: Mapping[str, str]) -> str:
        """A text in the reader's language."""
        return texts.get(language()) or texts["en"]

    def told(
        self, name: str, key: str, *, share: float = 1.0, trace: str = "", nothing: bool = False, **words: object
    ) -> "Failure":
        """A failure of the property `name`, in the words that the file has under `key`."""
        texts = self.data["texts"][key]
        hint = self.say(texts["hint"]).format(**words) if "hint" in texts else ""
        return Failure(name, self.say(texts).format(**words), hint, trace, share=share, nothing=nothing)


@cache
def question(name: str) -> Question:
    """The question of that name.

    Raises
    ------
    ValueError
        There is none; the message names those that are there.
    """
    folder = files("cmpx") / "questions"
    names = sorted(file.name.removesuffix(".toml") for file in folder.iterdir() if file.name.endswith(".toml"))
    if name not in names:
        message = _("there is no question {name!r}; there are {names}")
        raise ValueError(message.format(name=name, names=", ".join(names)))
    return Question(name, tomllib.loads((folder / f"{name}.toml").read_text("utf-8")))


ASSIGNMENTS: dict[str, Any] = tomllib.loads((files("cmpx") / "assignments.toml").read_text("utf-8"))
"""Each with its chapter and its questions."""


@dataclass(frozen=True)
class Answer:
    """What a student wrote.

    Parameters
    ----------
    text : str
        As it stands in the cell, without a cell magic.
    value : object
        In the student's own kernel, what the cell made; None in grading.
    """

    text: str
    value: object = None


@dataclass(frozen=True)
class Failure:
    """One property that an answer does not have.

    Parameters
    ----------
    property : {"safety", "effect", "progress", "constraints"}
        Which.
    message, hint : str
        What happens, and what to think about, in the reader's language.
    trace : str
        A run to it, with source lines and values.
    schedule : str
        The same run as a string that replays; see `Assignment.step`.
    share : float
        Of the property's points, what this costs.
    nothing : bool
        The answer does nothing, or nothing that can be examined: then no property earns a point.
    macros : Mapping of str to int
        Of the harness that found it.
    """

    property: str
    message: str
    hint: str = ""
    trace: str = ""
    schedule: str = ""
    share: float = 1.0
    nothing: bool = False
    macros: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Report:
    """Which properties an answer has.

    Parameters
    ----------
    question : Question
        What was asked.
    failures : tuple of Failure
        What it does not have; none if all is well.
    replay : str
        How the reader's own call begins that replays a schedule.
    """

    question: Question
    failures: tuple[Failure, ...]
    replay: str = ""

    def earned(self, name: str) -> float:
        """Points for one property."""
        if any(failure.nothing for failure in self.failures):
            return 0.0
        lost = sum(failure.share for failure in self.failures if failure.property == name)
        return self.question.points[name] * max(0.0, 1 - lost)

    @property
    def score(self) -> float:
        """Points in all."""
        return round(sum(map(self.earned, self.question.points)), 2)

    @property
    def failed(self) -> tuple[str, ...]:
        """The properties that it does not have wholly."""
        return tuple(name for name, points in self.question.points.items() if self.earned(name) < points)

    def __str__(self) -> str:
        total = sum(self.question.points.values())
        lines = [_("{name}: {score:g} of {total:g} points").format(name=self.question.name, score=self.score, total=total)]
        lines += self._told([failure for failure in self.failures if failure.nothing], set())
        shown: set[str] = set()
        titles = self.question.data.get("titles", {})
        for name, points in self.question.points.items():
            earned = self.earned(name)
            title = Question.say(titles[name]) if name in titles else _title(name)
            lines.append(f"{'✓' if earned == points else '✗'} {title} {earned:g}/{points:g}")
            lines += self._told([each for each in self.failures if each.property == name and not each.nothing], shown)
        return "\n".join(lines)

    def _told(self, failures: list[Failure], shown: set[str]) -> list[str]:
        """What failed; of several the first with its run, unless that has been shown above."""
        lines = []
        for number, failure in enumerate(failures):
            lines += [failure.message, *filter(None, [failure.hint])]
            if number or failure.trace in shown:
                continue
            shown.add(failure.trace)
            lines += failure.trace.splitlines()
            if failure.schedule and self.replay:
                macros = "".join(f", {name}={value}" for name, value in failure.macros.items())
                call = f'{self.replay}, "{failure.schedule}"{macros})'
                lines.append(_("to step through it: {call}").format(call=call))
        return [f"    {line}" for line in dict.fromkeys(lines)]

    def __repr__(self) -> str:
        return str(self)


def _title(name: str) -> str:
    return {"safety": _("safety"), "effect": _("effect"), "progress": _("progress"), "constraints": _("constraints")}[name]


@dataclass
class _Grading:
    """Who is being graded, and what was found in the cell at hand."""

    student: str
    found: dict[str, list[Report]] = field(default_factory=dict)


_grading: ContextVar[_Grading | None] = ContextVar("grading", default=None)


class Assignment:
    """One assignment, in the variant of one student.

    Parameters
    ----------
    name : str
        Such as "a2-pre-block".
    student : str
        The name under which it is handed in: the constants follow from it. By default ``$CMPX_STUDENT``, else
        ``$JUPYTERHUB_USER``, else nobody: then they are the book's own.

    Raises
    ------
    ValueError
        There is no such assignment; the message names those that are there.
    """

    def __init__(self, name: str, student: str = "") -> None:
        if name not in ASSIGNMENTS:
            message = _("there is no assignment {name!r}; there are {names}")
            raise ValueError(message.format(name=name, names=", ".join(ASSIGNMENTS)))
        grading = _grading.get()
        self.name = name
        self.questions = tuple(map(question, ASSIGNMENTS[name]["questions"]))
        self.student = student or os.environ.get("CMPX_STUDENT") or os.environ.get("JUPYTERHUB_USER") or ""
        if grading:
            self.student = grading.student

    @property
    def constants(self) -> dict[str, int]:
        """The constants of this variant."""
        return {name: v for asked in self.questions for name, v in asked.variant(self.name, self.student).items()}

    def __repr__(self) -> str:
        whose = _("variant of {student}").format(student=self.student) if self.student else _("the book's own variant")
        title = _("{name}, {whose}").format(name=self.name, whose=whose)
        return "\n".join([title, *(f"  {name} = {v} ({v:#x})" for name, v in self.constants.items())])

    def examine(self, name: str, answer: object, **values: int) -> float:
        """Say which properties an answer has.

        Parameters
        ----------
        name : str
            Of the question.
        answer : Listing, function or other
            What the cell above made.
        **values : int
            In place of what the question takes by itself.

        Returns
        -------
        float
            The points.
        """
        asked = self._asked(name)
        report = Report(asked, tuple(_examine(asked, _answer(answer), self._values(asked, values))), self._replay(name))
        grading = _grading.get()
        if grading:
            grading.found.setdefault(name, []).append(report)
        else:
            print(report)
        return report.score

    def step(self, name: str, answer: Listing, schedule: str = "", **macros: int) -> "Stepper":
        """Step through an answer in C beside the question's harness.

        Parameters
        ----------
        name : str
            Of the question.
        answer : Listing
            What the cell above made.
        schedule : str
            The run to begin with, as the feedback writes it.
        **macros : int
            Which case of the harness, as the feedback writes it.
        """
        asked = self._asked(name)
        return beside(asked, Answer(answer.text), self._values(asked, macros)).step(schedule=schedule)

    def _asked(self, name: str) -> Question:
        for asked in self.questions:
            if asked.name == name:
                return asked
        message = _("{assignment} has no question {name!r}; it has {names}")
        names = ", ".join(asked.name for asked in self.questions)
        raise ValueError(message.format(assignment=self.name, name=name, names=names))

    def _values(self, asked: Question, values: Mapping[str, int]) -> dict[str, int]:
        return {**asked.variant(self.name, self.student), **values}

    def _replay(self, name: str) -> str:
        return f'{self.name.partition("-")[0]}.step("{name}", {name}'


def _answer(answer: object) -> Answer:
    if isinstance(answer, Answer):
        return answer
    if isinstance(answer, Listing):
        return Answer(answer.text, answer)
    if callable(answer):
        return Answer(inspect.getsource(answer), answer)
    return Answer(repr(answer), answer)


def _examine(asked: Question, answer: Answer, values: Mapping[str, int]) -> list[Failure]:
    if asked.kind == "c":
        return examine(asked, answer, values)
    examiner: Callable[..., list[Failure]] = import_module(f"cmpx.{_EXAMINERS[asked.kind]}").examine
    return examiner(asked, answer, values)


def grade(cells: Iterable[tuple[str, str, bool]], student: str) -> dict[str, Report]:
    """Examine the answers of a notebook; none of its student's code runs in this process.

    Parameters
    ----------
    cells : iterable of str, str and bool
        The code cells in order: grade_id, source, and whether it is the teacher's. Those are executed here; of the others the
        text is examined.
    student : str
        Whose they are.

    Returns
    -------
    dict of str to Report
        By the grade_id of the cell that asked. What only a second call in a cell found, which the released notebook does not
        show, is told without its run.
    """
    grading = _Grading(student)
    # an answer that is not there is an empty one
    namespace: dict[str, object] = {name: Answer("") for each in ASSIGNMENTS.values() for name in each["questions"]}
    reports = {}
    token = _grading.set(grading)
    try:
        for grade_id, source, trusted in cells:
            if not trusted:
                namespace[grade_id] = Answer(re.sub(r"\A\s*%%listing[^\n]*\n", "", source))
                continue
            grading.found.clear()
            exec(compile(source, grade_id, "exec"), namespace)
            for first, *hidden in grading.found.values():
                known = {(failure.property, failure.message) for failure in first.failures}
                also = [f for each in hidden for f in each.failures if (f.property, f.message) not in known]
                found = {(f.property, f.message): replace(f, trace="", schedule="") for f in also}
                reports[grade_id] = replace(first, failures=(*first.failures, *found.values()))
    finally:
        _grading.reset(token)
    return reports


# -- answers in C ------------------------------------------------------------------------------------------------------


def beside(asked: Question, answer: Answer, macros: Mapping[str, int]) -> Listing:
    """An answer in C and the harness of its question.

    Parameters
    ----------
    asked, answer : Question, Answer
        What was asked and what was written.
    macros : Mapping of str to int
        Of the harness.
    """
    harness = (CSRC / "questions" / f"{asked.name}.c").read_text("utf-8")
    # the magic is the first line of the cell
    return Listing(answer.text, name=asked.name, first_line=2, harness=harness, **macros)


def examine(asked: Question, answer: Answer, values: Mapping[str, int]) -> list[Failure]:
    """Check an answer in C in every case of its question.

    Parameters
    ----------
    asked, answer : Question, Answer
        What was asked and what was written.
    values : Mapping of str to int
        Macros of the harness.
    """
    found: list[Failure] = []
    ends = False
    for case in asked.data["cases"]:
        try:
            listing = beside(asked, answer, {**values, **case["macros"]})
            verdict = listing.check(states=STATES, seconds=SECONDS)
        except (CompileError, ValueError) as error:
            return [Failure("", str(error), nothing=True)]
        found += _failures(asked, listing, verdict, case)
        if verdict.status == "unmodelled":
            return found
        ends |= case.get("called", True) and _ends(verdict)
    if not ends:
        found = [replace(each, nothing=True) for each in found]
    found += _constraints(asked, answer, listing)
    return list({(each.property, each.message): each for each in reversed(found)}.values())[::-1]


def _ends(verdict: Verdict) -> bool:
    """Whether a run ends, be it badly."""
    stuck = verdict.interleavings == verdict.bad_interleavings and all(finding.kind in _STUCK for finding in verdict.findings)
    return bool(verdict.interleavings) and not stuck


def _failures(asked: Question, listing: Listing, verdict: Verdict, case: Mapping[str, Any]) -> list[Failure]:
    """What a verdict says against an answer."""
    alone, macros = case["name"] == "alone", case["macros"]
    if verdict.status == "unmodelled":
        return [Failure("", _("unmodelled: {what}").format(what="; ".join(verdict.unmodelled)), nothing=True)]
    found = []
    for finding in verdict.findings:
        found += _failure(asked, listing, finding, alone, macros)
    waits = _("one process can wait for another without end; no step of its own would help it")
    if verdict.status == "bounded":
        found.append(Failure("progress", _("it did not come to an end")))
    elif verdict.interleavings == math.inf and not any(finding.kind in _STUCK for finding in verdict.findings):
        trace = _waiting(listing)
        found.append(Failure("progress", waits, trace=str(trace), schedule=trace.schedule, macros=macros))
    for race in verdict.races:
        hint = _("Others may be at it at the same time: access it only in the ways that are allowed, none of which is plain.")
        found.append(Failure("constraints", _("data race: {message}").format(message=race.message), hint))
    return found


def _failure(asked: Question, listing: Listing, finding: Finding, alone: bool, macros: Mapping[str, int]) -> list[Failure]:
    messages = asked.data["messages"]

    def failure(name: str, message: str, trace: Trace, told: str = "", nothing: bool = False) -> Failure:
        hint = Question.say(messages[told]["hint"]) if "hint" in messages.get(told, {}) else ""
        text = str(replace(trace, end=""))
        return Failure(name, message, hint, text, trace.schedule, nothing=nothing, macros=macros)

    for english in sorted(messages, key=len, reverse=True):
        if finding.kind in ("expect", "warn") and english in finding.message and english not in TROUBLES:
            table = messages[english]
            message = table["zh"] if language() == "zh" else english
            return [failure(table["property"], message, finding.trace, english, table.get("nothing", False))]
    if finding.kind in _STUCK:
        trace = _round(listing, finding.trace)
        names = [name for name in ("effect", "progress") if alone or name == "progress"]
        return [failure(name, finding.message, trace, finding.kind) for name in names]
    name = "safety" if finding.kind in _MISUSE or not alone else ""
    return [failure(name, finding.message, finding.trace, finding.kind, not name)]


def _processes(listing: Listing) -> list[str]:
    return list(listing.run("replay", memory="sc", schedule="")[0].answer["processes"])


def _round(listing: Listing, lost: Trace) -> Trace:
    """A run to where the way back is lost, and on: whoever can finishes, the others take a few steps more."""
    trace, stuck = lost, []
    for name in _processes(listing):
        longer = listing.replay(f"{trace.schedule} {name}*40")
        if len(longer.steps) < len(trace.steps) + 40:
            trace = longer
        else:
            stuck.append(name)
    return listing.replay(" ".join([trace.schedule, *(f"{name}*4" for name in stuck)]))


def _waiting(listing: Listing) -> Trace:
    """A run in which one process stands still and another goes round."""
    names = _processes(listing)
    for still in names:
        for steps in range(1, 40):
            for other in (name for name in names if name != still):
                trace = listing.replay(f"{still}*{steps} {other}*200")
                if len(trace.steps) == steps + 200:
                    return listing.replay(f"{still}*{steps} {other}*8")
    return Trace(())


def forbidden(asked: Question, answer: Answer) -> list[Failure]:
    """What stands in an answer, comments and strings apart, and must not.

    Parameters
    ----------
    asked, answer : Question, Answer
        What was asked and what was written.
    """
    bare = LITERALS.sub(" ", answer.text)
    rules = asked.data.get("forbidden", {}).items()
    return [Failure("constraints", Question.say(texts)) for rule, texts in rules if re.search(rule, bare, re.M)]


def _constraints(asked: Question, answer: Answer, listing: Listing) -> list[Failure]:
    """What the text alone says."""
    found = forbidden(asked, answer)
    if kept := listing.build().kept:
        found.append(Failure("constraints", _("{names}: no variable of its own outlives a call").format(names=", ".join(kept))))
    return found
