"""Every answer kept here fails exactly the properties that its first line names, in both languages and in every variant."""

import re
from pathlib import Path

import classroom
import nbformat
import pytest
from classroom import filled
from nbgrader.preprocessors import ClearHiddenTests

from cmpx import Listing, language
from cmpx.course import ASSIGNMENTS, Answer, Assignment, Report, beside, grade, question
from cmpx.grading import Release

ANSWERS = sorted(path for path in (classroom.ROOT / "tests/answers").glob("*/*") if path.suffix in (".c", ".py"))
PROPERTIES = ["safety", "effect", "progress", "constraints"]


def assignment_of(name: str) -> str:
    return next(assignment for assignment, table in ASSIGNMENTS.items() if name in table["questions"])


def examined(path: Path, student: str) -> Report:
    name = path.parent.name
    values = question(name).variant(assignment_of(name), student)
    cells = [
        ("setup", f'from cmpx.course import Assignment\na = Assignment("{assignment_of(name)}")', True),
        (name, filled(path.read_text("utf-8"), values), False),
        (f"{name}-test", f'a.examine("{name}", {name})', True),
    ]
    return grade(cells, student)[f"{name}-test"]


@pytest.mark.parametrize("student", ["", "zhang"])
@pytest.mark.parametrize("path", ANSWERS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_an_answer_fails_exactly_its_properties(path: Path, student: str) -> None:
    expected = re.match(r"(?:/\*|#) fails: ([\w ]+)", path.read_text("utf-8"))[1].split()
    language("zh" if student else "en")
    report = examined(path, student)
    everything = [name for name in PROPERTIES if name in report.question.points]
    assert list(report.failed) == {"nothing": [], "all": everything}.get(expected[0], expected), str(report)
    assert (report.score == 0) == (expected == ["all"]), str(report)
    assert bool(re.search(r"[\u4e00-\u9fff]", str(report))) == bool(student)
    if report.question.kind == "c":
        replays(path, report, student)


def replays(path: Path, report: Report, student: str) -> None:
    """A schedule of the feedback leads to what it is told for: the finding, or the steps that go round."""
    values = question(path.parent.name).variant(assignment_of(path.parent.name), student)
    answer = Answer(filled(path.read_text("utf-8"), values))
    for failure in (failure for failure in report.failures if failure.schedule):
        trace = beside(report.question, answer, {**values, **failure.macros}).replay(failure.schedule)
        assert trace.schedule == failure.schedule
        assert trace.end or len({step.thread for step in trace.steps[-4:]}) == 1, str(trace)


def cells_of(nb: nbformat.NotebookNode) -> list[tuple[str, str, bool]]:
    cells = [cell for cell in nb.cells if cell.cell_type == "code" and "nbgrader" in cell.metadata]
    return [(cell.id, cell.source, cell.metadata.nbgrader.locked) for cell in cells]


@pytest.mark.parametrize("name", ["en", "zh"])
@pytest.mark.parametrize("assignment", ASSIGNMENTS)
def test_a_notebook_earns_all_as_it_stands_and_nothing_as_it_is_released(assignment: str, name: str) -> None:
    nb = nbformat.read(classroom.notebook(assignment, name), as_version=4)
    reports = grade(cells_of(nb), "")
    assert {grade_id.removesuffix("-test") for grade_id in reports} == set(ASSIGNMENTS[assignment]["questions"])
    assert {grade_id: report.failed for grade_id, report in reports.items()} == dict.fromkeys(reports, ())
    for step in (Release(), ClearHiddenTests()):
        nb, _resources = step.preprocess(nb, {"nbgrader": {"notebook": assignment}, "language": "python"})
    reports = grade(cells_of(nb), "li")
    assert {grade_id: report.score for grade_id, report in reports.items()} == dict.fromkeys(reports, 0)


def test_the_stepper_opens_where_the_feedback_says() -> None:
    path = classroom.ROOT / "tests/answers/pre_block/new_not_recomputed.c"
    report = examined(path, "")
    failure = next(failure for failure in report.failures if failure.property == "safety")
    assert f'a2.step("pre_block", pre_block, "{failure.schedule}", ' in str(report)
    stepper = Assignment("a2-pre-block").step("pre_block", Listing(path.read_text()), failure.schedule, **failure.macros)
    assert stepper.trace.schedule == failure.schedule
    assert "ON is lost" in stepper.trace.end
    assert any(step.file.endswith("pre_block") for step in stepper.trace.steps)


@pytest.mark.parametrize(
    "line",
    [
        '#include "{}"',
        "#include <{}>",
        '#define N "{}"\n#include N',
        '%: include "{}"',
        '#inc\\\nlude "{}"',
        '#/*\n*/include "{}"',
    ],
)
def test_no_file_of_the_machine_is_read(line: str) -> None:
    text = (classroom.ROOT / "tests/answers/pre_block/reference.c").read_text("utf-8")
    cells = [
        ("setup", 'from cmpx.course import Assignment\na2 = Assignment("a2-pre-block")', True),
        ("pre_block", f"{line.format('/etc/passwd')}\n{text}", False),
        ("test", 'a2.examine("pre_block", pre_block)', True),
    ]
    report = grade(cells, "")["test"]
    assert report.score == 0
    assert "only the book's headers may be included" in str(report)
    assert "root:" not in str(report)
