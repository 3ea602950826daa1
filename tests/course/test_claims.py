"""Claims about a function are worth the mutants that they kill; the function itself must keep them."""

import re
from pathlib import Path

import pytest

from cmpx import claims
from cmpx.checking import Verdict
from cmpx.course import Answer, Assignment, Failure, question
from cmpx.listings import Listing

ANSWERS = Path(__file__).parents[1] / "answers/promise"
ASKED = question("promise")
VALUES = ASKED.variant("a6-your-own", "")
REFERENCE = (ANSWERS / "reference.c").read_text("utf-8")


def told(text: str) -> list[Failure]:
    return claims.examine(ASKED, Answer(text), VALUES)


def verdict(edits: list[list[str]], promise: str = REFERENCE) -> Verdict:
    return claims._listing(ASKED, promise, edits, **VALUES).check()


@pytest.mark.parametrize("mutant", ASKED.data["mutants"], ids=lambda mutant: mutant["name"])
def test_each_mutant_is_wrong_in_its_own_way(mutant: dict[str, object]) -> None:
    messages = {
        "torn": "both poll", "stale": "both poll", "nothing": "nobody polls", "wrong bit": "the second call is lost",
        "waits": "livelock",
    }  # fmt: skip
    assert messages[str(mutant["name"])] in verdict(mutant["edits"]).findings[0].message


def test_three_lines_have_their_mutants() -> None:
    kinds = [mutant["property"] for mutant in ASKED.data["mutants"]]
    assert sorted(kinds) == ["effect", "effect", "progress", "safety", "safety"]


def test_what_survived_is_told_by_hints_alone() -> None:
    failures = told((ANSWERS / "only_who_polls.c").read_text("utf-8"))
    assert [failure.property for failure in failures] == ["effect", "effect"]
    assert sum(failure.share for failure in failures) == 1
    for failure in failures:
        assert "survived" in failure.message
        assert not failure.trace
        assert not re.search(r"[;{}]|seen|next", failure.message)


def test_a_claim_that_the_function_breaks_is_shown_by_a_run_that_replays() -> None:
    [failure] = told((ANSWERS / "too_strict.c").read_text("utf-8"))
    assert failure.nothing
    assert "the first process polls" in failure.message
    # in the lines of the cell, whose first one is the magic
    text = (ANSWERS / "too_strict.c").read_text("utf-8")
    line = text.splitlines().index('\tEXPECT(polls_a, "the first process polls");') + 2
    assert f"promise:{line}: the first process polls" in failure.trace
    schedule = re.search(r'schedule="([^"]+)"', failure.hint)[1]
    assert "the first process polls" in claims.beside(Listing(text)).replay(schedule).end


def test_who_calls_is_found_out_by_running_it() -> None:
    probe = ASKED.data["probe"]["edits"]
    assert any("&here" in finding.message for finding in verdict(probe).findings)
    through_helpers = REFERENCE.replace(
        "PROCESS(a)", "static bool ask(void)\n{\n\treturn napi_schedule_prep(&napi);\n}\n\nPROCESS(a)"
    )
    through_helpers = re.sub(r"= napi_schedule_prep\(&napi\)", "= ask()", through_helpers)
    assert told(through_helpers) == []
    alone = verdict(probe, (ANSWERS / "one_process.c").read_text("utf-8"))
    assert not any("&here" in finding.message for finding in alone.findings)


def test_the_function_keeps_the_reference_under_both_memories() -> None:
    whole = claims.beside(Listing(REFERENCE))
    assert [whole.check(memory).status for memory in ("sc", "tso")] == ["holds", "holds"]
    assert "napi_schedule_prep" in claims.function()


def test_an_edit_that_finds_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="0 times"):
        claims._listing(ASKED, REFERENCE, [("no such text", "")])


@pytest.mark.parametrize("student", ["", "student1", "student2"])
def test_the_stranger_is_the_student_s_own(student: str) -> None:
    a6 = Assignment("a6-your-own", student)
    value = a6.constants["STRANGER"]
    assert value & 0x1F == 0, "a bit that the poller does not use"
    right = re.sub("0x20", hex(value), REFERENCE)
    assert a6.examine("promise", Listing(right)) == 90
    assert a6.examine("promise", Listing(right.replace(hex(value), hex(value << 1)))) == 80
