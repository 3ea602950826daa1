"""Grading a class: one submission against executing an empty notebook, and two processes against one."""

import contextlib
import io
import itertools
import os
import shutil
import statistics
import tempfile
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat.v4 import new_notebook
from nbgrader.converters import GenerateAssignment

from cmpx import pool

_ROOT = Path(__file__).parents[1]
_NAME = "a2-pre-block"
_ANSWERS = ("reference", "try_form", "return_ignored", "plain_store")
_STUDENTS = 16
_RUNS = 3
_edits = itertools.count(time.time_ns())


def _empty() -> float:
    """Seconds to execute a notebook without a cell."""
    start = time.perf_counter()
    NotebookClient(new_notebook()).execute()
    return time.perf_counter() - start


def _hand_in(students: int) -> None:
    """A class hands in answers that nobody has compiled yet."""
    shutil.rmtree("submitted", ignore_errors=True)
    for number in range(students):
        nb = nbformat.read(Path("release", _NAME, f"{_NAME}.ipynb"), as_version=4)
        text = (_ROOT / f"tests/answers/pre_block/{_ANSWERS[number % len(_ANSWERS)]}.c").read_text("utf-8")
        answer = next(cell for cell in nb.cells if cell.id == "pre_block")
        answer.source = f"%%listing pre_block\n{text}/* {next(_edits)} */"
        folder = Path("submitted", f"s{number}", _NAME)
        folder.mkdir(parents=True)
        nbformat.write(nb, folder / f"{_NAME}.ipynb")


def _graded(workers: int, students: int = _STUDENTS) -> float:
    """Seconds to grade a class, the start of its processes included."""
    _hand_in(students)
    start = time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        left = pool.autograde(_NAME, workers)
    assert not left
    return time.perf_counter() - start


def main() -> None:
    """Print the figures beside what they should be."""
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            shutil.copy(_ROOT / "deploy/nbgrader_config.py", ".")
            source = Path("source", _NAME)
            source.mkdir(parents=True)
            shutil.copy(_ROOT / f"notebooks/en/assignments/{_NAME}/{_NAME}.ipynb", source)
            app = pool.configured()
            GenerateAssignment(coursedir=pool.course(app, _NAME), config=app.config).start()
            _graded(2, 2)  # the process that the others are copies of, and what the compiler makes once
            empty = statistics.median(_empty() for _ in range(_RUNS))
            one, two = (
                statistics.median(times) for times in zip(*((_graded(1), _graded(2)) for _ in range(_RUNS)), strict=True)
            )
        finally:
            os.chdir(before)
    each = one / _STUDENTS
    print(f"one submission of {_NAME}, s: {each:.2f}  an empty notebook, s: {empty:.2f}  ratio {each / empty:.2f}  (at most 2)")
    print(f"{_STUDENTS} submissions, s: one process {one:.1f}  two {two:.1f}  ratio {one / two:.2f}  (at least 1.6)")


if __name__ == "__main__":
    main()
