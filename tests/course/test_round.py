"""A class hands in, well and badly: everybody gets what they earned, and hears why, in their own language."""

import json
import re
import time
from copy import deepcopy
from html import unescape

import classroom
import nbformat
import psutil
import pytest
from classroom import put
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell
from nbgrader.preprocessors import ClearHiddenTests

from cmpx import language, pool
from cmpx.course import question
from cmpx.grading import Release
from cmpx.languages import _
from cmpx.sheet import sheet
from cmpx.toolchain import program

NAME = "a2-pre-block"
FULL = sum(question("pre_block").points.values())
OTHER = {"en": "zh", "zh": "en"}
# whose answer is which of the kept ones
KEPT = {
    "s01-right": "try_form",
    "s02-other-style": "goto_form",
    "s03-wrong": "return_ignored",
    "s05-endless": "endless_loop",
    "s06-crash": "crash",
    "s07-exit": "exit",
    "s08-deleted": "masks",
    "s09-twice": "reference",
    "s10-renamed": "early_return",
    "s11-translated": "reference",
    "s13-cheat": "empty",
    "s14-no-metadata": "reference",
    "s16-does-not-compile": "not_c",
}
LEFT = {"s04-unchanged": 0.0, "s12-broken": 0.0, "s15-no-notebook": 0.0}
EXPECTED = {student: classroom.points("pre_block", name) for student, name in KEPT.items()} | LEFT
TOLD = {
    "s08-deleted": ["setup", "pre_block-test", "explanation"],
    "s09-twice": ["pre_block"],
    "s10-renamed": ["my answer (1).ipynb"],
    "s12-broken": [f"{NAME}.ipynb"],
    "s14-no-metadata": ["setup", "pre_block", "pre_block-test", "explanation"],
    "s15-no-notebook": ["notes.txt"],
}


def delete(nb: NotebookNode) -> None:
    nb.cells = [cell for cell in nb.cells if cell.id not in ("setup", "pre_block-test", "explanation")]


def twice(nb: NotebookNode) -> None:
    """A copy of the stub stands below the answer, with the same grade_id."""
    place = next(index for index, cell in enumerate(nb.cells) if cell.id == "pre_block")
    copy = deepcopy(nb.cells[place])
    copy.id = "a-copy"
    nb.cells.insert(place + 1, copy)


def translate(nb: NotebookNode) -> None:
    """Hands in the other language's notebook, got from somebody else."""
    theirs = OTHER[nb.metadata.cmpx.language]
    source = nbformat.read(classroom.notebook(NAME, theirs), as_version=4)
    released, resources = Release().preprocess(source, {"nbgrader": {"notebook": NAME}})
    released, _resources = ClearHiddenTests().preprocess(released, resources)
    nb.update(released)


def cheat(nb: NotebookNode) -> None:
    """Does nothing that was asked, and a good deal that was not."""
    for cell in nb.cells:
        if cell.id == "pre_block-test":
            cell.source = "90.0"
            cell.metadata.nbgrader.points = 1000
        if cell.id == "setup":
            cell.source = "class a2:\n    examine = lambda *a, **k: 90.0"
    nb.metadata.cmpx.update(faults=[], examined=True, language="xx")
    forged = "import cmpx, cmpx.course\ncmpx.cmpxchg = lambda *a: 0\ncmpx.course.grade = lambda *a: {}\nprint(In)"
    marks = {"grade": True, "grade_id": "bonus", "locked": True, "points": 500, "schema_version": 3, "solution": False}
    nb.cells.insert(0, new_code_cell(forged, metadata={"nbgrader": marks | {"task": False}}))


def forget(nb: NotebookNode) -> None:
    for cell in nb.cells:
        cell.metadata.clear()


CHANGES = {
    "s08-deleted": delete,
    "s09-twice": twice,
    "s11-translated": translate,
    "s13-cheat": cheat,
    "s14-no-metadata": forget,
}


def hand_in(course: classroom.Course) -> None:
    for student in EXPECTED:
        changes = [CHANGES[student]] if student in CHANGES else []
        if student in KEPT:
            text = classroom.answer("pre_block", KEPT[student], NAME, student)
            # who changes cells has the answer first, who takes another notebook writes into that
            write = put("pre_block", text)
            changes = [*changes, write] if student != "s08-deleted" else [write, *changes]
        path = course.hand_in(student, *changes)
        if student == "s10-renamed":
            path.rename(path.with_name("my answer (1).ipynb"))
        elif student == "s12-broken":
            path.write_text(path.read_text()[:-40])
        elif student == "s15-no-notebook":
            path.rename(path.with_name("notes.txt"))


def orphans() -> set[int]:
    machine = str(program("machine"))
    return {each.pid for each in psutil.process_iter(["exe", "ppid"]) if each.info["exe"] == machine and each.info["ppid"] == 1}


@pytest.fixture(scope="module", params=["en", "zh"])
def course(request, tmp_path_factory):
    with pytest.MonkeyPatch.context() as monkeypatch:
        source = nbformat.read(classroom.notebook(NAME, request.param), as_version=4)
        course = classroom.Course(tmp_path_factory.mktemp(request.param), NAME, source, monkeypatch)
        course.language = request.param
        course.release()
        hand_in(course)
        course.left = orphans()
        course.said = course.autograde("--workers", "2")
        yield course


def feedback(course, student):
    return unescape(re.sub(r"<[^>]*>", "", course.feedback(student)))


def test_everybody_gets_what_they_earned(course):
    assert course.said.returncode == 0, course.said.stderr
    assert f"graded {len(EXPECTED)}, already graded 0" in course.said.stdout
    assert course.exported() == EXPECTED
    assert len(EXPECTED) >= 12
    assert FULL in EXPECTED.values()
    assert any(0 < score < FULL for score in EXPECTED.values())


def test_what_cannot_be_read_waits_for_the_teacher(course):
    cells = ("pre_block-test", "explanation")
    unread = {(student, cell) for student in ("s12-broken", "s15-no-notebook") for cell in cells}
    # the other language's stub is not the one that this class got
    assert course.by_hand() == unread | {("s11-translated", "explanation")}


@pytest.mark.parametrize("student", TOLD)
def test_what_was_wrong_with_a_submission_is_told_to_both(course, student):
    page = feedback(course, student)
    lines = [line for line in course.said.stderr.splitlines() if line.startswith(f"{student}, {NAME}: ")]
    assert len(lines) == len(TOLD[student])
    for what in TOLD[student]:
        assert what in page
        assert any(what in line for line in lines)


def test_what_was_not_answered_says_so(course):
    language(course.language)
    assert _("No response.") in feedback(course, "s04-unchanged")
    assert _("No response.") not in feedback(course, "s12-broken")


def test_feedback_is_in_the_language_of_the_notebook(course):
    for student in ("s03-wrong", "s11-translated", "s13-cheat"):
        language(OTHER[course.language] if student == "s11-translated" else course.language)
        score = _("{name}: {score:g} of {total:g} points").format(name="pre_block", score=EXPECTED[student], total=FULL)
        assert score in feedback(course, student)
    assert f"s11-translated, {NAME}: this is the notebook in another language" in course.said.stderr


def test_nobody_sees_a_hidden_test(course):
    source = classroom.notebook(NAME, course.language).read_text("utf-8")
    hidden = re.search(r"BEGIN HIDDEN TESTS\\n\",\s*\"(.*?)(\\n)?\",", source)[1].replace('\\"', '"')
    assert "examine" in hidden
    for student in EXPECTED:
        page = feedback(course, student)
        assert hidden not in page
        assert "HIDDEN TESTS" not in page


def test_the_locked_cells_are_the_teacher_s(course):
    nb = nbformat.read(course.path("autograded", "s13-cheat"), as_version=4)
    cells = {cell.metadata.nbgrader.grade_id: cell for cell in nb.cells if "nbgrader" in cell.metadata}
    assert "Assignment" in cells["setup"].source
    assert "bonus" not in cells
    assert cells["pre_block-test"].metadata.nbgrader.points == FULL


def test_no_process_is_left(course):
    end = time.monotonic() + 10
    while (still := orphans() - course.left) and time.monotonic() < end:
        time.sleep(0.05)
    assert not still


def test_hand_grading_and_a_second_submission(course):
    """The points of the teacher stay; only who handed in again is graded again."""
    student = "s01-right"
    with course.gradebook() as gradebook:
        entry = gradebook.find_grade("explanation", NAME, NAME, student)
        entry.manual_score, entry.needs_manual_grade = 8.0, False
        gradebook.db.commit()
    assert course.exported()[student] == FULL + 8
    path = course.path("submitted", "s04-unchanged")
    nb = nbformat.read(path, as_version=4)
    put("pre_block", classroom.answer("pre_block", "try_form", NAME, "s04-unchanged"))(nb)
    nbformat.write(nb, path)
    assert pool.autograde(NAME) == 0
    assert course.exported() == EXPECTED | {student: FULL + 8, "s04-unchanged": FULL}


def test_sheet(course, capsys, tmp_path):
    language(course.language)
    for number, chapter in enumerate(["06-pi-post-block"] * 3 + ["03-cas-loop"] * 2):
        line = {"chapter": chapter, "asked": "first", "choice": min(number, 1)}
        (tmp_path / f"{number}.jsonl").write_text(json.dumps(line))
    assert sheet(NAME, [str(tmp_path / "*.jsonl")]) == 0
    table = (course.root / f"sheet-{NAME}.csv").read_text("utf-8")
    assert "pre_block,safety," in table
    assert re.search(r"^06-pi-post-block,A,.*,1–2,3$", table, re.M)
    assert "03-cas-loop" not in table
    for student in EXPECTED:
        assert student not in table + capsys.readouterr().out
    assert (course.root / f"sheet-{NAME}.png").read_bytes().startswith(b"\x89PNG")
