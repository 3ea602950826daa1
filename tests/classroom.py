"""A course of nbgrader in a folder of its own, with made-up students."""

import csv
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbgrader.api import Gradebook
from nbgrader.converters import GenerateAssignment, GenerateFeedback
from nbgrader.plugins import CsvExportPlugin

from cmpx import pool
from cmpx.course import question

ROOT = Path(__file__).parent.parent
HANDED_IN = "2026-10-01 12:00:00.000000 UTC"


def notebook(assignment: str, language: str) -> Path:
    return ROOT / "notebooks" / language / "assignments" / assignment / f"{assignment}.ipynb"


def filled(text: str, values: dict[str, int]) -> str:
    """The answer with the constants of a variant in place of the book's own."""
    for name, value in values.items():
        text = re.sub(rf"^(#define {name}|{name} =) .*$", rf"\1 {value}", text, flags=re.M)
    return text


def answer(asked: str, name: str, assignment: str, student: str) -> str:
    """A kept answer, with the student's own constants in place of the book's."""
    text = (ROOT / f"tests/answers/{asked}/{name}.c").read_text("utf-8")
    text = filled(text, question(asked).variant(assignment, student))
    return f"%%listing {asked}\n{text}"


def points(asked: str, name: str) -> float:
    """What a kept answer earns, by its first line."""
    first = (ROOT / f"tests/answers/{asked}/{name}.c").read_text("utf-8").splitlines()[0]
    fails = re.fullmatch(r"/\* fails: (.*) \*/", first)[1].split()
    worth = question(asked).points
    return sum(0 if fails == ["all"] or each in fails else value for each, value in worth.items())


def put(cell: str, source: str) -> Callable[[NotebookNode], None]:
    """Whoever does this to a released notebook has written something into that cell."""

    def change(nb: NotebookNode) -> None:
        next(each for each in nb.cells if each.id == cell).source = source

    return change


class Course:
    """The folder; what a teacher does there."""

    def __init__(self, root: Path, assignment: str, source: NotebookNode, monkeypatch) -> None:
        self.root, self.assignment = root, assignment
        (root / "source" / assignment).mkdir(parents=True)
        nbformat.write(source, root / "source" / assignment / f"{assignment}.ipynb")
        shutil.copy(ROOT / "deploy/nbgrader_config.py", root)
        monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(root / "config"))
        monkeypatch.chdir(root)
        self.app = pool.configured()

    def _run(self, converter: type) -> None:
        step = converter(coursedir=pool.course(self.app, self.assignment), config=self.app.config)
        step.force = True
        step.start()

    def release(self) -> str:
        self._run(GenerateAssignment)
        return self.path("release", ".").read_text("utf-8")

    def path(self, step: str, student: str, ending: str = "ipynb") -> Path:
        return self.root / step / student / self.assignment / f"{self.assignment}.{ending}"

    def hand_in(self, student: str, *changes: Callable[[NotebookNode], None]) -> Path:
        nb = nbformat.read(self.path("release", "."), as_version=4)
        for change in changes:
            change(nb)
        path = self.path("submitted", student)
        path.parent.mkdir(parents=True)
        nbformat.write(nb, path)
        (path.parent / "timestamp.txt").write_text(HANDED_IN)
        return path

    def autograde(self, *options: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "cmpx.grading", "autograde", self.assignment, *options]
        environment = os.environ | {"CMPX_LANGUAGE": "en"}
        return subprocess.run(command, cwd=self.root, env=environment, capture_output=True, text=True, check=False, timeout=300)

    def feedback(self, student: str) -> str:
        if not self.path("feedback", student, "html").exists():
            self._run(GenerateFeedback)
        return self.path("feedback", student, "html").read_text("utf-8")

    def exported(self) -> dict[str, float]:
        with self.gradebook() as gradebook:
            CsvExportPlugin(config=self.app.config).export(gradebook)
        with (self.root / "grades.csv").open() as file:
            return {row["student_id"]: float(row["score"]) for row in csv.DictReader(file)}

    def gradebook(self) -> Gradebook:
        place = pool.course(self.app, self.assignment)
        return Gradebook(place.db_url, place.course_id)

    def entries(self) -> list[tuple]:
        """All that the gradebook says about submissions."""
        with self.gradebook() as gradebook:
            submissions = gradebook.find_assignment(self.assignment).submissions
            notebooks = [(each.student_id, each.timestamp, notebook) for each in submissions for notebook in each.notebooks]
            grades = [
                (student, time, grade.name, grade.auto_score, grade.manual_score, grade.needs_manual_grade)
                for student, time, notebook in notebooks
                for grade in notebook.grades
            ]
            comments = [
                (student, comment.name, comment.auto_comment, comment.manual_comment)
                for student, _time, notebook in notebooks
                for comment in notebook.comments
            ]
        return sorted(grades, key=str) + sorted(comments, key=str)

    def by_hand(self) -> set[tuple[str, str]]:
        """Student and cell of what waits for the teacher."""
        return {(entry[0], entry[2]) for entry in self.entries() if len(entry) == 6 and entry[5]}
