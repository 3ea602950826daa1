"""One student's assignment, from its release to the grades; and what a class's sheet may say."""

import json
import re
from html import unescape

import classroom
import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output
from nbgrader.preprocessors import ClearHiddenTests

from cmpx import language, pool
from cmpx.course import question
from cmpx.grading import REPORT, Hide, Release, adopted
from cmpx.plotting import plot_sheet
from cmpx.sheet import FEW, Row, failed, predicted

ASSIGNMENTS = sorted(path.name for path in (classroom.ROOT / "notebooks/en/assignments").iterdir())


def regions(nb, what):
    """The lines between the marks, in every cell, with the line number of the first."""
    found = []
    for cell in nb.cells:
        inside = False
        for line in cell.source.splitlines():
            inside = inside and f"END {what}" not in line
            found += [line.strip()] if inside and len(line.strip()) > 3 else []
            inside = inside or f"BEGIN {what}" in line
    return found


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """One student of a Chinese class, who forgot to ask whether the cmpxchg wrote."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        source = nbformat.read(classroom.notebook("a2-pre-block", "zh"), as_version=4)
        course = classroom.Course(tmp_path_factory.mktemp("course"), "a2-pre-block", source, monkeypatch)
        course.released = course.release()
        text = classroom.answer("pre_block", "return_ignored", "a2-pre-block", "wang")
        course.hand_in("wang", classroom.put("pre_block", text), classroom.put("explanation", "因为。"))
        course.said = course.autograde()
        course.feedback("wang")
        yield course


class TestRound:
    def test_grades(self, graded):
        assert graded.said.returncode == 0, graded.said.stderr
        assert "graded 1, already graded 0" in graded.said.stdout
        expected = classroom.points("pre_block", "return_ignored")
        assert 0 < expected < sum(question("pre_block").points.values())
        assert graded.exported() == {"wang": expected}

    def test_the_explanation_waits_for_the_teacher(self, graded):
        assert graded.by_hand() == {("wang", "explanation")}

    def test_nothing_is_graded_twice(self, graded, capsys):
        before = graded.entries()
        assert pool.autograde("a2-pre-block") == 0
        assert "graded 0, already graded 1" in capsys.readouterr().out
        assert graded.entries() == before

    def test_feedback_is_in_the_class_s_language(self, graded):
        page = graded.feedback("wang")
        assert "安全性 0/40" in page
        assert "vCPU 睡着，却有中断待处理" in page
        assert "the vCPU sleeps" not in page

    def test_feedback_has_no_hidden_tests(self, graded):
        hidden = regions(nbformat.read(classroom.notebook("a2-pre-block", "zh"), as_version=4), "HIDDEN TESTS")
        assert hidden
        assert hidden[0] in graded.path("autograded", "wang").read_text().replace('\\"', '"')
        page = unescape(re.sub(r"<[^>]*>", "", graded.feedback("wang")))
        assert 'a2.examine("pre_block", pre_block)' in page
        for line in [*hidden, "HIDDEN TESTS"]:
            assert line not in page

    def test_a_released_notebook_speaks_the_class_s_language(self, graded):
        code = [cell for cell in json.loads(graded.released)["cells"] if cell["cell_type"] == "code"]
        assert code[0]["source"][:2] == ["import cmpx\n", 'cmpx.language("zh")\n']
        assert "在此作答。" in graded.released


@pytest.mark.parametrize("name", ["en", "zh"])
@pytest.mark.parametrize("assignment", ASSIGNMENTS)
def test_no_answer_and_no_hidden_test_is_released(assignment, name):
    source = nbformat.read(classroom.notebook(assignment, name), as_version=4)
    hidden = regions(source, "SOLUTION") + regions(source, "HIDDEN TESTS")
    # a line of the answer that is given anyway tells nothing
    given = "\n".join(cell.source for cell in source.cells if cell.id not in ("explanation",))
    secrets = {line for line in hidden if given.count(line) == hidden.count(line)}
    answers = [cell.source for cell in source.cells if cell.id == "explanation"]
    assert secrets
    resources = {"nbgrader": {"notebook": assignment}}
    released, _resources = Release().preprocess(source.copy(), resources)
    released, _resources = ClearHiddenTests().preprocess(released, resources)
    text = "\n".join(cell.source for cell in released.cells)
    assert [secret for secret in [*secrets, *answers] if secret in text] == []
    assert released.metadata.cmpx.language == name
    assert language() == "en"


class TestRelease:
    def test_an_answer_in_c_needs_a_region(self):
        marks = {"grade": False, "grade_id": "x", "locked": False, "schema_version": 3, "solution": True, "task": False}
        setup = new_code_cell("1", metadata={"nbgrader": marks | {"grade_id": "setup", "locked": True, "solution": False}})
        listing = new_code_cell("%%listing x\nint x;", metadata={"nbgrader": marks})
        nb = new_notebook(cells=[setup, listing], metadata={"cmpx": {"language": "en"}})
        with pytest.raises(ValueError, match="cell x: an answer in C needs a region"):
            Release().preprocess(nb, {"nbgrader": {"notebook": "n"}})

    def test_a_notebook_says_its_language(self):
        with pytest.raises(ValueError, match=r"n: metadata\.cmpx\.language must be en or zh"):
            Release().preprocess(new_notebook(), {"nbgrader": {"notebook": "n"}})


def test_tracebacks_are_hidden():
    error = new_output("error", ename="E", evalue="secret", traceback=["secret"])
    nb, _ = Hide().preprocess(new_notebook(cells=[new_code_cell("1", outputs=[error])]), {})
    assert "secret" not in nbformat.writes(nb)


class TestAdopted:
    def test_the_right_file_is_left_alone(self, tmp_path):
        (tmp_path / "a.ipynb").write_text("whatever")
        assert adopted(tmp_path, "a").read_text() == "whatever"

    def test_one_renamed(self, tmp_path):
        (tmp_path / "mine.ipynb").write_text(nbformat.writes(new_notebook(metadata={"cmpx": {"language": "zh"}})))
        nb = nbformat.read(adopted(tmp_path, "a"), as_version=4)
        assert nb.metadata.cmpx == {"language": "zh", "renamed": "mine.ipynb"}
        assert (tmp_path / "mine.ipynb").exists()

    @pytest.mark.parametrize("text", ["", "{", "[]", '{"metadata": 1}', '{"metadata": {"cmpx": 1}}'])
    def test_one_renamed_and_broken(self, tmp_path, text):
        (tmp_path / "mine.ipynb").write_text(text)
        assert adopted(tmp_path, "a").read_text() == text

    def test_none_or_several_are_not_guessed(self, tmp_path):
        for name in ("x.ipynb", "y.ipynb", "timestamp.txt"):
            (tmp_path / name).touch()
        assert nbformat.read(adopted(tmp_path, "a"), as_version=4).metadata.cmpx.absent == ["x.ipynb", "y.ipynb"]


def report(folder, student, **earned):
    points = question("pre_block").points
    kept = {"question": "pre_block", "points": points, "earned": points | earned}
    cell = new_code_cell("", outputs=[new_output("execute_result", data={"text/plain": "1", REPORT: kept})])
    path = folder / f"{student}.ipynb"
    nbformat.write(new_notebook(cells=[cell]), path)
    return path


class TestSheet:
    def test_failed_properties(self, tmp_path):
        paths = [report(tmp_path, f"wang{n}", safety=0.0) for n in range(3)] + [report(tmp_path, "li", effect=10.0)]
        rows = {row.what: (row.shown, row.of) for row in failed(paths)}
        assert rows == {"safety": ("3", 4), "effect": ("1–2", 4), "progress": ("0", 4), "constraints": ("0", 4)}

    def test_distractors(self, tmp_path):
        lines = {
            "wang": ['{"chapter": "06-pi-post-block", "asked": "first", "choice": 0}', '{"visited": "06-pi-post-block"}', "{"],
            "li": ['{"chapter": "../../x", "asked": "first", "choice": 0}', '{"chapter": 1}', "[]", "null"],
            # the second answer came after the chapter had been read
            "zhao": [f'{{"chapter": "06-pi-post-block", "asked": "first", "choice": {n}}}' for n in (1, 0)],
            "sun": ['{"chapter": "06-pi-post-block", "asked": "first", "choice": -1}'],
        }
        for name, text in lines.items():
            (tmp_path / name).write_text("\n".join(text))
        rows = predicted(tmp_path / name for name in lines)
        assert {row.about for row in rows} == {"06-pi-post-block"}
        assert {row.what: (row.count, row.of) for row in rows} == {"A": (1, 2), "B": (1, 2), "D": (0, 2)}

    @pytest.mark.parametrize("count", range(5))
    def test_small_numbers_are_not_shown(self, count):
        shown = Row("x", "safety", "", count, 9).shown
        assert (shown == str(count)) == (count == 0 or count >= FEW)

    @pytest.mark.parametrize(("name", "words"), [("en", ["safety", "3 of 9"]), ("zh", ["安全性", "3 / 9"])])
    def test_plot(self, name, words):
        language(name)
        rows = [Row("pre_block", "safety", "", 3, 9), Row("06-pi-post-block", "A", "", 1, 9)]
        figure = plot_sheet("a2-pre-block", rows)
        said = repr(figure) + "".join(label.get_text() for label in figure.axes[0].get_yticklabels())
        for word in [*words, "1–2"]:
            assert word in said
        assert [bar.get_width() for bar in figure.axes[0].patches] == [pytest.approx(100 / 3), 0]
