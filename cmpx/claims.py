"""Claims about a function, judged by what they can tell from it: by the mutants of the function that they kill."""

import math
import re
from collections.abc import Iterable, Mapping

from cmpx.checking import Verdict
from cmpx.course import Answer, Failure, Question, question
from cmpx.listings import LITERALS, Listing
from cmpx.sources import CSRC, Source
from cmpx.toolchain import CompileError

__all__ = ["beside", "examine", "function"]

STATES, SECONDS = 100_000, 5.0


def _text(asked: Question) -> str:
    return (CSRC / "questions" / f"{asked.data['function']}.c").read_text("utf-8")


def function(name: str = "promise") -> Source:
    """The text of the function that a question is about; a notebook colours it."""
    return Source(_text(question(name)).rstrip("\n").expandtabs(8))


def beside(promise: Listing, name: str = "promise") -> Listing:
    """A student's processes and claims with the function as it stands: for all four verbs.

    Parameters
    ----------
    promise : Listing
        The processes and claims; they declare the function.
    name : str
        Of the question.
    """
    return _listing(question(name), promise.text, ())


def _listing(asked: Question, promise: str, edits: Iterable[tuple[str, str]], **constants: int) -> Listing:
    """The claims with the function, or with what edits make of it."""
    text = _text(asked)
    for old, new in edits:
        if text.count(old) != 1:
            raise ValueError(f"{asked.name}: {old!r} stands {text.count(old)} times in {asked.data['function']}.c")
        text = text.replace(old, new)
    for constant, value in constants.items():
        text = re.sub(rf"\b{constant}\b", f"{value:#x}", text)
    # the magic is the first line of the cell
    return Listing(text, name=str(asked.data["function"]), harness=f'#line 2 "{asked.name}"\n{promise}')


def examine(asked: Question, answer: Answer, values: Mapping[str, int]) -> list[Failure]:
    """Check claims against the function, which must keep them, and against its mutants.

    Parameters
    ----------
    asked, answer : Question, Answer
        What was asked and what was written.
    values : Mapping of str to int
        The constants of the variant.
    """

    def check(edits: Iterable[tuple[str, str]], memory: str = "sc") -> Verdict:
        return _listing(asked, answer.text, edits, **values).check(memory, states=STATES, seconds=SECONDS)

    if refused := _malformed(asked, answer):
        return [refused]
    try:
        original, relaxed = check(()), check((), "tso")
    except (CompileError, ValueError) as error:
        return [Failure("", str(error), nothing=True)]
    for verdict in (original, relaxed):
        if verdict.status != "holds":
            return [_refused(asked, verdict)]
    killed, found = set(), []
    claims = False
    for mutant in asked.data["mutants"]:
        verdict = check(mutant["edits"])
        claims |= any(finding.kind in ("expect", "warn") for finding in verdict.findings)
        if verdict.status == "fails" or verdict.interleavings == math.inf != original.interleavings:
            killed.add(mutant["name"])
    if not claims:
        return [asked.told("", "silent", nothing=True)]
    for name in ("safety", "effect", "progress"):
        mutants = [mutant for mutant in asked.data["mutants"] if mutant["property"] == name]
        # one that is left does no harm if another of its kind is dead
        if killed.isdisjoint(mutant["name"] for mutant in mutants):
            found += [Failure(name, asked.say(mutant["hint"]), share=1 / len(mutants)) for mutant in mutants]
    return found + _constraints(asked, answer, values, check(asked.data["probe"]["edits"]))


def _malformed(asked: Question, answer: Answer) -> Failure | None:
    """What the compiler and the worker would say less clearly."""
    bare = LITERALS.sub(" ", answer.text)
    name = asked.data["function"]
    if re.search(rf"\w[\s*]+{name}\s*\([^;{{}}]*\)\s*\{{", bare):
        return asked.told("", "own", nothing=True, function=name)
    if not re.search(r"\bPROCESS\s*\(", bare):
        return asked.told("", "processless", nothing=True, function=name)
    return None


def _refused(asked: Question, verdict: Verdict) -> Failure:
    """Why nothing can be said of claims: the function itself does not keep them, or nobody knows."""
    if verdict.status == "fails":
        message, trace = verdict.findings[0].message, verdict.findings[0].trace
        return asked.told("", "original", trace=str(trace), nothing=True, message=message, schedule=trace.schedule)
    if verdict.status == "bounded":
        return asked.told("", "bounded", nothing=True, states=STATES)
    return Failure("", str(verdict), nothing=True)


def _constraints(asked: Question, answer: Answer, values: Mapping[str, int], probe: Verdict) -> list[Failure]:
    found = []
    if not any(finding.kind == "warn" and "&here" in finding.message for finding in probe.findings):
        found.append(asked.told("constraints", "alone", function=asked.data["function"]))
    bare = LITERALS.sub(" ", answer.text)
    for constant in asked.data["variant"]:
        given = re.findall(rf"^[ \t]*#[ \t]*define[ \t]+{constant}[ \t]+(0[xX][0-9a-fA-F]+|\d+)\b", bare, re.M)
        if [int(number, 0) for number in given] != [values[constant]] or len(re.findall(rf"\b{constant}\b", bare)) < 2:
            found.append(asked.told("constraints", "stranger", value=values[constant]))
    return found
