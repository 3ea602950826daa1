"""Assignments under nbgrader: released without answers, examined without running them in a kernel, returned in two languages.

nbgrader's configuration (``deploy/nbgrader_config.py``) puts these steps in the places of its own. On the command line::

    python -m cmpx.grading autograde ASSIGNMENT
    python -m cmpx.grading sheet ASSIGNMENT
"""

import argparse
import contextlib
import fcntl
import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

import nbformat
from nbconvert.exporters import NotebookExporter
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from nbformat.validator import normalize
from nbgrader.api import Gradebook
from nbgrader.preprocessors import ClearHiddenTests, ClearSolutions, NbGraderPreprocessor, SaveAutoGrades
from nbgrader.utils import is_grade, is_locked, is_solution
from traitlets import Bool, List

from cmpx.course import Report, grade
from cmpx.languages import _, language

__all__ = ["Examine", "Hide", "Mend", "Reader", "Release", "Save", "adopt", "adopted", "turn"]

REPORT = "application/vnd.cmpx.report+json"

Notebook = nbformat.NotebookNode
Resources = dict[str, Any]


def spoken(nb: Notebook) -> str:
    """The language of a notebook as its metadata has it; empty if they do not."""
    known = nb.metadata.get("cmpx")
    name = known.get("language") if isinstance(known, dict) else None
    return name if name in ("en", "zh") else ""


@contextlib.contextmanager
def speaking(name: str) -> Iterator[None]:
    """Messages in that language, for a while."""
    before = language()
    try:
        language(name or before)
        yield
    finally:
        language(before)


# -- release -----------------------------------------------------------------------------------------------------------


class Release(ClearSolutions):
    """Leave a stub where an answer stood, and let the notebook speak its language in every student's kernel."""

    def preprocess(self, nb: Notebook, resources: Resources) -> tuple[Notebook, Resources]:
        """Clear the whole notebook."""
        name = spoken(nb)
        first = next((cell for cell in nb.cells if cell.cell_type == "code" and is_locked(cell)), None)
        if not name or first is None:
            message = _("{notebook}: metadata.cmpx.language must be en or zh, and the first code cell locked")
            raise ValueError(message.format(notebook=resources["nbgrader"]["notebook"]))
        first.source = f'import cmpx\ncmpx.language("{name}")\n{first.source}'
        with speaking(name):
            self.text_stub = _("Your answer here.")
            cleared: tuple[Notebook, Resources] = super().preprocess(nb, resources)
        return cleared

    def preprocess_cell(self, cell: Notebook, resources: Resources, cell_index: int) -> tuple[Notebook, Resources]:
        """Clear one cell; around what is cleared, a C cell compiles."""
        c = cell.source.startswith("%%listing")
        if c and is_solution(cell) and self.begin_solution_delimeter not in cell.source:
            message = _("cell {cell}: an answer in C needs a region from BEGIN SOLUTION to END SOLUTION")
            raise ValueError(message.format(cell=cell.metadata.nbgrader.grade_id))
        self.code_stub = {resources["language"]: "/* your code here */" if c else "raise NotImplementedError()"}
        cleared: tuple[Notebook, Resources] = super().preprocess_cell(cell, resources, cell_index)
        return cleared


# -- submissions as they come ------------------------------------------------------------------------------------------


def _placeholder(**known: object) -> Notebook:
    empty: Notebook = new_notebook(metadata={"cmpx": known})
    return empty


class Reader(NotebookExporter):
    """Reads also what is no notebook: then it is an empty one that says why."""

    def from_file(self, file_stream: Any, resources: Any = None, **kw: Any) -> Any:
        """Read, and convert."""
        try:
            # half a character, which JSON can name, cannot be written again
            text = json.dumps(json.load(file_stream), ensure_ascii=False).encode(errors="replace").decode()
            _changes, nb = normalize(nbformat.reads(text, as_version=4))
            nbformat.validate(nb)
        except Exception as error:  # whatever a student's file may do to the reader
            nb = _placeholder(unreadable=f"{type(error).__name__}: {str(error)[:200]}")
        return self.from_notebook_node(nb, resources=resources, **kw)  # type: ignore[no-untyped-call]


def adopt(assignment: str, student: str, notebooks: list[str]) -> None:
    """nbgrader's hook before it converts a submission: a file that was renamed counts as the assignment's."""  # noqa: D403
    path = str(adopted(Path(notebooks[0]).parent, assignment))
    if path not in notebooks:
        notebooks.append(path)


def adopted(folder: Path, assignment: str) -> Path:
    """The notebook of a submission, made from a renamed one if it is not there; what was handed in stays.

    Raises
    ------
    ValueError
        There is something among the files that leads elsewhere, or that nobody can read to its end.
    """
    for entry in folder.rglob("*"):
        name = entry.name.encode(errors="replace").decode()
        if entry.is_symlink() or not (entry.is_file() or entry.is_dir()) or name != entry.name:
            raise ValueError(_("{file} is no plain file").format(file=name))
    path = folder / f"{assignment}.ipynb"
    if path.exists():
        return path
    files = sorted(file.name for file in folder.iterdir() if file.is_file() and file.name != "timestamp.txt")
    others = [name for name in files if name.endswith(".ipynb")]
    nb: dict[str, Any] = _placeholder(absent=files)
    if len(others) == 1:
        try:
            nb = json.loads((folder / others[0]).read_text("utf-8"))
            nb["metadata"]["cmpx"] = {**nb["metadata"].get("cmpx", {}), "renamed": others[0]}
        except (ValueError, TypeError, KeyError, AttributeError):
            shutil.copyfile(folder / others[0], path)
            return path
    path.write_text(json.dumps(nb, ensure_ascii=False), "utf-8")
    return path


class Mend(NbGraderPreprocessor):
    """Give a submission the cells of its assignment back, and note what was wrong with them."""

    def preprocess(self, nb: Notebook, resources: Resources) -> tuple[Notebook, Resources]:
        """Mend one notebook."""
        known = nb.metadata.get("cmpx")
        known = known if isinstance(known, dict) else {}
        place = resources["nbgrader"]
        with Gradebook(place["db_url"]) as gradebook:
            assigned = gradebook.find_notebook(place["notebook"], place["assignment"])
            sources = {cell.name: cell for cell in assigned.source_cells}
            points = {cell.name: cell.max_score for cell in assigned.grade_cells}
            solutions = {cell.name for cell in assigned.solution_cells}
            faults = [[kind, known.get(kind)] for kind in ("renamed", "absent", "unreadable") if known.get(kind)]
            readable = not known.get("absent") and "unreadable" not in known
            chosen = self._chosen(nb, sources, faults)
            for cell in nb.cells:
                cell.metadata.pop("nbgrader", None)
            after = -1
            for name, source in sources.items():
                if name not in chosen:
                    new: Any = new_code_cell if source.cell_type == "code" else new_markdown_cell
                    chosen[name] = new(source.source)
                    nb.cells.insert(after + 1, chosen[name])
                    if readable:
                        faults.append(["missing", name])
                after = next(index for index, cell in enumerate(nb.cells) if cell is chosen[name])
                if source.locked:
                    chosen[name].source = source.source
                chosen[name].metadata["nbgrader"] = {
                    "grade_id": name,
                    "grade": name in points,
                    "solution": name in solutions,
                    "locked": bool(source.locked),
                    "task": False,
                    "schema_version": 3,
                    **({"points": points[name]} if name in points else {}),
                }
        nb.metadata["cmpx"] = {**known, "faults": faults, "examined": readable}
        return nb, resources

    def _chosen(self, nb: Notebook, sources: dict[str, Any], faults: list[list[Any]]) -> dict[str, Notebook]:
        """Which cell of the submission is which of the assignment."""
        claims: dict[str, list[Notebook]] = {}
        for cell in nb.cells:
            marks = cell.metadata.get("nbgrader")
            name = marks.get("grade_id") if isinstance(marks, dict) else None
            if isinstance(name, str) and name in sources:
                claims.setdefault(name, []).append(cell)
            elif name:
                faults.append(["unknown", str(name)])
        for cell in nb.cells:
            # whoever loses the metadata keeps the id
            if cell.get("id") in sources and cell.id not in claims:
                claims[cell.id] = [cell]
                faults.append(["nameless", cell.id])
        chosen = {}
        for name, cells in claims.items():
            changed = [cell for cell in cells if cell.source.strip() != sources[name].source.strip()]
            chosen[name] = (changed or cells)[-1]
            if len(cells) > 1:
                faults.append(["duplicate", name])
        return chosen


def _told(fault: str, what: Any, notebook: str) -> str:
    """A fault in the reader's language."""
    file = f"{notebook}.ipynb"
    texts = {
        "renamed": _("the notebook came as {what}; it was taken for {file}"),
        "absent": _("there is no {file}; these files came: {what}. A teacher will look at them"),
        "unreadable": _("{file} cannot be read as a notebook ({what}). A teacher will look at it"),
        "missing": _("cell {what} was missing; it was put back as it was released"),
        "duplicate": _("cell {what} is there more than once; the last one that was changed counts"),
        "unknown": _("cell {what} does not belong to the assignment; it does not count"),
        "nameless": _("cell {what} had lost its metadata; it counts all the same"),
        "language": _("this is the notebook in another language than the class's; it counts all the same"),
    }
    return texts[fault].format(what=", ".join(map(str, what)) if isinstance(what, list) else what, file=file)


# -- examination -------------------------------------------------------------------------------------------------------


class _Turn:
    """Whose turn it is at the gradebook, among the processes that grade; a process that dies gives it up."""

    def __init__(self) -> None:
        self._file: TextIO | None = None

    @contextlib.contextmanager
    def taken(self, path: Path) -> Iterator[None]:
        """Wait for it and keep it."""
        with path.open("a") as self._file:
            fcntl.flock(self._file, fcntl.LOCK_EX)
            try:
                yield
            finally:
                self._file = None

    @contextlib.contextmanager
    def lent(self) -> Iterator[None]:
        """Let others have it for a while; nothing where nobody took it."""
        if self._file:
            fcntl.flock(self._file, fcntl.LOCK_UN)
        try:
            yield
        finally:
            if self._file:
                fcntl.flock(self._file, fcntl.LOCK_EX)


turn = _Turn()


class Examine(NbGraderPreprocessor):
    """Grade without a kernel: the teacher's cells run here, of the student's only the text is looked at."""

    variants = Bool(True, help="Whether each student has constants of their own; else all have the book's.").tag(config=True)

    def preprocess(self, nb: Notebook, resources: Resources) -> tuple[Notebook, Resources]:
        """Write what each graded cell earns below it."""
        with turn.lent():
            return self._examined(nb, resources)

    def _examined(self, nb: Notebook, resources: Resources) -> tuple[Notebook, Resources]:
        place, known = resources["nbgrader"], nb.metadata.cmpx
        student = place["student"]
        code = [cell for cell in nb.cells if cell.cell_type == "code" and cell.metadata.get("nbgrader", {}).get("grade_id")]
        setup = [(c.metadata.nbgrader.grade_id, c.source, True) for c in code if is_locked(c) and not is_grade(c)]
        answers = [(c.metadata.nbgrader.grade_id, c.source, False) for c in code if is_solution(c)]
        with speaking(""):
            grade(setup, student)
            classes = language()
        theirs = spoken(nb) or classes
        faults = [*known["faults"], *([["language", theirs]] if theirs != classes else [])]
        resources["cmpx"] = {"language": theirs, "examined": known["examined"], "by hand": set()}
        for kind, what in faults:
            self.log.warning("%s, %s: %s", student, place["notebook"], _told(kind, what, place["notebook"]))
        for cell in (cell for cell in nb.cells if is_grade(cell)):
            name = cell.metadata.nbgrader.grade_id
            if not known["examined"]:
                resources["cmpx"]["by hand"].add(name)
            if cell in code and not is_solution(cell):
                # after the teacher's cells, of which one chooses the language of the class
                speak = ("", f'import cmpx\ncmpx.language("{theirs}")', True)
                cells = [*setup, speak, *answers, (name, cell.source, True)]
                with speaking(theirs):
                    cell.outputs = self._outputs(cells, student, name, resources)
        with speaking(theirs):
            told = "\n".join("- " + _told(kind, what, place["notebook"]) for kind, what in faults)
        if told:
            nb.cells.insert(0, new_markdown_cell(told))
        return nb, resources

    def _outputs(self, cells: list[tuple[str, str, bool]], student: str, name: str, resources: Resources) -> list[Notebook]:
        """What stands below a graded cell; nothing that goes wrong here costs the student anything."""
        try:
            if name not in resources["cmpx"]["by hand"]:
                return _said(grade(cells, student if self.variants else "")[name])
        except Exception:
            self.log.exception("%s, cell %s: left for hand grading", student, name)
            resources["cmpx"]["by hand"].add(name)
            language(resources["cmpx"]["language"])  # the cell may have failed in the middle of the teacher's
        return [new_output("stream", name="stdout", text=_("This could not be examined; a teacher will look at it."))]


def _said(report: Report) -> list[Notebook]:
    kept = {
        "question": report.question.name,
        "points": report.question.points,
        "earned": {name: report.earned(name) for name in report.question.points},
    }
    points = {"text/plain": f"{report.score:g}", REPORT: kept}
    return [new_output("stream", name="stdout", text=f"{report}\n"), new_output("execute_result", data=points)]


class Save(SaveAutoGrades):
    """Write the points into the gradebook; what was not examined is flagged for the teacher, not given full marks."""

    def _add_score(self, cell: Notebook, resources: Resources) -> None:
        super()._add_score(cell, resources)
        name = cell.metadata.nbgrader.grade_id
        if name in resources["cmpx"]["by hand"]:
            entry = self.gradebook.find_grade(name, self.notebook_id, self.assignment_id, self.student_id)
            entry.auto_score, entry.needs_manual_grade = None, True
            self.gradebook.db.commit()

    def _add_comment(self, cell: Notebook, resources: Resources) -> None:
        super()._add_comment(cell, resources)
        name = cell.metadata.nbgrader.grade_id
        entry = self.gradebook.find_comment(name, self.notebook_id, self.assignment_id, self.student_id)
        if entry.auto_comment:
            with speaking(resources["cmpx"]["language"]):
                entry.auto_comment = _("No response.") if resources["cmpx"]["examined"] else None
            self.gradebook.db.commit()


class Hide(ClearHiddenTests):
    """Keep from the student's page what was kept from the released notebook: hidden tests, and with them tracebacks."""

    enforce_metadata = False
    display_data_priority: List[str] = List(config=True)  # the exporter sets it, and would warn

    def preprocess(self, nb: Notebook, resources: Resources) -> tuple[Notebook, Resources]:
        """Clear the whole notebook; on its page long lines fold, and tables have room."""
        css = resources.setdefault("inlining", {}).setdefault("css", [])
        css.append(".output_area pre { white-space: pre-wrap; } .text_cell td, .text_cell th { padding: 0 0.6em; }")
        cleared: tuple[Notebook, Resources] = super().preprocess(nb, resources)
        return cleared

    def preprocess_cell(self, cell: Notebook, resources: Resources, cell_index: int) -> tuple[Notebook, Resources]:
        """Clear one cell."""
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if output.output_type != "error"]
        cleared: tuple[Notebook, Resources] = super().preprocess_cell(cell, resources, cell_index)
        return cleared


# -- the command line --------------------------------------------------------------------------------------------------


def main(arguments: list[str] | None = None) -> int:
    """Run one of the two commands in the folder of the course."""
    from cmpx.pool import autograde
    from cmpx.sheet import sheet

    parser = argparse.ArgumentParser("python -m cmpx.grading", description=_("Grade a class."))
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("autograde", help=_("grade every submission that has not been graded yet, on every core"))
    command.add_argument("assignment")
    command.add_argument("--workers", type=int, help=_("how many processes; by default one a core"))
    command.set_defaults(run=autograde)
    command = commands.add_parser("sheet", help=_("what the class got wrong, without names"))
    command.add_argument("assignment")
    command.add_argument("--progress", nargs="*", default=[], metavar="FILE", help=_("progress.jsonl of each student"))
    command.set_defaults(run=sheet)
    options = vars(parser.parse_args(arguments))
    return min(1, int(options.pop("run")(**options)))


if __name__ == "__main__":
    sys.exit(main())
