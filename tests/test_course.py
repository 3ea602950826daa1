"""An assignment: whose constants it has, and what a cell's calls come to."""

from pathlib import Path

import pytest

from cmpx.course import Answer, Assignment, grade

HERE = Path(__file__).parent


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
