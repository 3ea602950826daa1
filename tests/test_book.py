"""The authors' tool: translations that follow, outputs that are the same bytes each time."""

import textwrap
from pathlib import Path

import pytest
from book import run, stamp, sync, write
from nbclient.exceptions import CellExecutionError
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from proofread import digest, read


def pair():
    """A chapter, and its translation, which is up to date."""
    english = new_notebook(cells=[new_markdown_cell("One.", id="one"), new_code_cell("1 + 1", id="code")])
    chinese = new_notebook(cells=[new_markdown_cell("一。", id="one"), new_code_cell("1 + 1", id="code")])
    assert stamp(english, chinese) == []
    return english, chinese


def test_sync_keeps_the_translation_and_its_outputs():
    english, chinese = pair()
    chinese.cells[1].outputs = [new_output("execute_result", {"text/plain": "二"})]
    assert sync(english, chinese) == chinese


def test_sync_takes_everything_else_from_the_english():
    english, chinese = pair()
    english.cells[1].source = "2 + 2"
    english.cells[1].metadata["tags"] = ["nbval-ignore-output"]
    english.cells.insert(1, new_markdown_cell("Two.", id="two"))
    chinese.cells.append(new_markdown_cell("三。", id="three"))

    synced = sync(english, chinese)

    assert [(cell.id, cell.cell_type) for cell in synced.cells] == [("one", "markdown"), ("two", "markdown"), ("code", "code")]
    assert [cell.source for cell in synced.cells] == ["一。", "Two.", "2 + 2"]
    assert synced.cells[2].metadata["tags"] == ["nbval-ignore-output"]


def test_sync_begins_a_translation():
    english, _ = pair()
    assert stamp(english, sync(english, new_notebook())) == ["one"]


def test_stamp_remembers_the_english_text():
    english, chinese = pair()
    english.cells[0].source = "Other."
    assert stamp(english, chinese) == []
    assert chinese.cells[0].metadata["cmpx"]["source"] == digest("Other.")


def test_stamp_leaves_english_unmarked():
    english, chinese = pair()
    chinese.cells[0] = new_markdown_cell("One.", id="one")
    assert stamp(english, chinese) == ["one"]
    assert "cmpx" not in chinese.cells[0].metadata


@pytest.fixture
def notebook(tmp_path):
    """A function that writes a notebook of one cell and returns its path."""

    def make(code):
        cell = new_code_cell(textwrap.dedent(code).strip(), id="code", metadata={"collapsed": True, "tags": ["a"]})
        write(new_notebook(cells=[cell], metadata={"widgets": {}}), tmp_path / "one.ipynb")
        return tmp_path / "one.ipynb"

    return make


def test_run_stores_the_same_bytes_each_time(notebook):
    path = notebook(
        """
        import ipywidgets, sys, time
        print("a"); sys.stdout.flush(); time.sleep(0.3); print("b")
        ipywidgets.IntSlider(value=7, description="widget")
        """
    )
    run(path)
    first = path.read_bytes()
    run(path)
    assert path.read_bytes() == first

    result = read(path)
    (cell,) = result.cells
    assert cell.metadata == {"tags": ["a"]}
    assert set(result.metadata) == {"kernelspec", "language_info"}
    assert cell.outputs[0].text == "a\nb\n"
    assert cell.outputs[1].data == {"text/plain": "IntSlider(value=7, description='widget')"}


def test_run_keeps_what_differs_from_run_to_run(notebook):
    path = notebook("import time; print(time.perf_counter_ns())")
    racy = read(path)
    racy.cells[0].metadata["tags"] = ["nbval-ignore-output"]
    write(racy, path)
    run(path)
    first = path.read_bytes()
    run(path)
    assert path.read_bytes() == first
    run(path, fresh=True)
    assert path.read_bytes() != first

    first = read(path).cells[0].outputs
    changed = read(path)
    changed.cells.append(new_code_cell("1", id="more"))
    write(changed, path)
    run(path)
    assert read(path).cells[0].outputs != first, "other code, other numbers"


def test_run_works_where_the_notebook_is(notebook):
    path = notebook("import os; os.path.exists('one.ipynb')")
    run(path)
    assert read(path).cells[0].outputs[0].data["text/plain"] == "True"


def test_run_refuses_a_path_of_this_machine(notebook):
    path = notebook("from pathlib import Path; print(Path.home() / 'x')")
    before = path.read_bytes()
    with pytest.raises(ValueError, match=f"cell code names {Path.home()}, a folder of this machine"):
        run(path)
    assert path.read_bytes() == before


def test_a_cell_that_fails_leaves_the_file_as_it_was(notebook):
    path = notebook("1 / 0")
    before = path.read_bytes()
    with pytest.raises(CellExecutionError, match="ZeroDivisionError"):
        run(path)
    assert path.read_bytes() == before
