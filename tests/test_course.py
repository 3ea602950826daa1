"""Every answer kept here fails exactly the properties that its first line names, in both languages and in every variant."""

import re
from pathlib import Path

import pytest

from cmpx import language
from cmpx.course import ASSIGNMENTS, Answer, Assignment, grade, question

HERE = Path(__file__).parent
ANSWERS = sorted(path for path in (HERE / "answers").glob("*/*") if path.suffix in (".c", ".py"))
PROPERTIES = ["safety", "effect", "progress", "constraints"]


def assignment_of(name: str) -> str:
    return next(assignment for assignment, table in ASSIGNMENTS.items() if name in table["questions"])


def filled(text: str, values: dict[str, int]) -> str:
    """The answer with the constants of a variant in place of the book's own."""
    for name, value in values.items():
        text = re.sub(rf"^(#define {name}|{name} =) .*$", rf"\1 {value}", text, flags=re.M)
    return text


def examined(path: Path, student: str) -> tuple[float, tuple[str, ...], str]:
    name = path.parent.name
    values = question(name).variant(assignment_of(name), student)
    cells = [
        ("setup", f'from cmpx.course import Assignment\na = Assignment("{assignment_of(name)}")', True),
        (name, filled(path.read_text("utf-8"), values), False),
        (f"{name}-test", f'a.examine("{name}", {name})', True),
    ]
    report = grade(cells, student)[f"{name}-test"]
    return report.score, report.failed, str(report)


@pytest.mark.parametrize("student", ["", "zhang"])
@pytest.mark.parametrize("path", ANSWERS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_an_answer_fails_exactly_its_properties(path: Path, student: str) -> None:
    expected = re.match(r"(?:/\*|#) fails: ([\w ]+)", path.read_text("utf-8"))[1].split()
    language("zh" if student else "en")
    score, failed, said = examined(path, student)
    everything = [name for name in PROPERTIES if name in question(path.parent.name).points]
    assert list(failed) == {"nothing": [], "all": everything}.get(expected[0], expected), said
    assert (score == 0) == (expected == ["all"]), said
    han = re.search(r"[\u4e00-\u9fff]", said)
    assert bool(han) == bool(student)


def test_the_book_s_variant_is_nobody_s(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CMPX_STUDENT", raising=False)
    monkeypatch.delenv("JUPYTERHUB_USER", raising=False)
    book = Assignment("a2-pre-block")
    assert book.constants == {name: values[0] for q in book.questions for name, values in q.data["variant"].items()}
    variants = {tuple(Assignment("a2-pre-block", f"student{n}").constants.items()) for n in range(20)}
    assert len(variants) > 1
    monkeypatch.setenv("JUPYTERHUB_USER", "student3")
    assert Assignment("a2-pre-block").constants == Assignment("a2-pre-block", "student3").constants


def test_only_one_s_own_constants_count() -> None:
    student = next(
        f"student{n}" for n in range(99) if Assignment("a2-pre-block", f"student{n}").constants["WAKEUP_VECTOR"] != 0xF1
    )
    text = (HERE / "answers/pre_block/reference.c").read_text("utf-8")
    cells = [
        ("setup", 'from cmpx.course import Assignment\na = Assignment("a2-pre-block")', True),
        ("pre_block", text, False),
        ("test", 'a.examine("pre_block", pre_block)', True),
    ]
    assert grade(cells, "")["test"].failed == ()
    assert "effect" in grade(cells, student)["test"].failed


def test_an_unknown_question_is_named() -> None:
    with pytest.raises(ValueError, match="pre_block"):
        Assignment("a2-pre-block").examine("post_block", Answer(""))
    with pytest.raises(ValueError, match="a2-pre-block"):
        Assignment("a7")


def test_a_hidden_test_is_told_without_its_run() -> None:
    text = (HERE / "answers/pre_block/int_old.c").read_text("utf-8")
    cells = [
        ("setup", 'from cmpx.course import Assignment\na = Assignment("a2-pre-block")', True),
        ("pre_block", (HERE / "answers/pre_block/reference.c").read_text("utf-8"), False),
        ("test", f'a.examine("pre_block", pre_block)\na.examine("pre_block", Answer({text!r}))', True),
    ]
    report = grade([("import", "from cmpx.course import Answer", True), *cells], "")["test"]
    assert report.failed == ("effect", "progress")
    assert not any(failure.trace or failure.schedule for failure in report.failures)
