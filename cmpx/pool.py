"""Grading a class on every core: nbgrader's own call for each student, and a marker for each that is done.

A run that was killed goes on where it stood: what has its marker is not graded again, what has none is graded from the start.
"""

import fcntl
import glob
import hashlib
import logging
import multiprocessing
import os
import re
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import wait
from pathlib import Path

from nbgrader.api import Gradebook, MissingEntry
from nbgrader.apps.baseapp import NbGrader
from nbgrader.converters import Autograde
from nbgrader.coursedir import CourseDirectory
from tqdm import tqdm

from cmpx.cpus import usable_cpus
from cmpx.grading import adopted, turn
from cmpx.languages import _

__all__ = ["Graded", "autograde", "configured", "course"]

MARKER = ".graded"
_ORPHANS = 10.0  # seconds within which the processes of a run that was killed are gone


@dataclass(frozen=True)
class Graded:
    """How it went with one submission.

    Parameters
    ----------
    student : str
        Whose it is.
    success : bool
        Whether all of it was examined.
    log : tuple of str
        What there is to say.
    """

    student: str
    success: bool
    log: tuple[str, ...]


def course(app: NbGrader, assignment: str, student: str = "*") -> CourseDirectory:
    """Where the files of an assignment are."""
    place = CourseDirectory(config=app.config)
    place.assignment_id, place.student_id = assignment, student
    return place


def configured() -> NbGrader:
    """nbgrader with the configuration of the working directory."""  # noqa: D403
    app = NbGrader()
    app.log_level = logging.ERROR
    app.initialize([])
    return app


def _digest(place: CourseDirectory, student: str) -> str:
    """Of what is graded: the submission, and the assignment as its teacher has it."""
    total = hashlib.sha256()
    for step, whose in ((place.source_directory, "."), (place.submitted_directory, student)):
        folder = Path(place.format_path(step, whose, place.assignment_id))
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            content = path.read_bytes()
            total.update(f"{path.relative_to(folder)}\0{len(content)}\0".encode() + content)
    return total.hexdigest()


def _marker(place: CourseDirectory, student: str) -> Path:
    return Path(place.format_path(place.autograded_directory, student, place.assignment_id), MARKER)


def _lock(root: str, name: str) -> Path:
    return Path(root, f".{name}.lock")


# -- in a process of the pool ------------------------------------------------------------------------------------------

_app: NbGrader


class _Kept(logging.Handler):
    """What was logged."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


def _begin(root: str) -> None:
    """Set a process up; it ends with the one that started it, however that ends."""
    global _app
    parent = multiprocessing.parent_process()
    assert parent
    threading.Thread(target=lambda: (wait([parent.sentinel]), os._exit(1)), daemon=True).start()
    # held as long as the process lives
    fcntl.flock(os.open(_lock(root, "grading"), os.O_CREAT | os.O_RDWR), fcntl.LOCK_SH)
    warnings.simplefilter("ignore")  # SQLAlchemy's about nbgrader
    os.chdir(root)
    _app = configured()


def _grade(assignment: str, student: str) -> Graded:
    """Grade one submission; its marker is the last thing to be written."""
    place = course(_app, assignment, glob.escape(student))
    log, kept = logging.Logger("nbgrader", logging.WARNING), _Kept()
    log.addHandler(kept)
    with turn.taken(_lock(place.root, "gradebook")):
        converter = Autograde(coursedir=place, config=_app.config, log=log)
        converter.force = True
        digest = ""
        try:
            adopted(Path(place.format_path(place.submitted_directory, student, assignment)), assignment)
            digest = _digest(place, student)
            converter.start()
        except Exception as error:
            log.error("%s: %s", student, error)
        success = all(record.levelno < logging.ERROR for record in kept.records)
        if success:
            marker = _marker(place, student)
            draft = marker.with_name(f"{MARKER}-draft")
            draft.write_text(digest)
            draft.replace(marker)
    return Graded(student, success, tuple(map(logging.Formatter().format, kept.records)))


# -- in the one that the teacher started -------------------------------------------------------------------------------


@contextmanager
def _alone(root: str) -> Iterator[None]:
    """Only one run at a time; what is left of a killed one is waited for."""
    with _lock(root, "grading").open("a") as file:
        end = time.monotonic() + _ORPHANS
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError:
                if time.monotonic() > end:
                    raise SystemExit(_("another run is grading in {folder}").format(folder=root)) from None
                time.sleep(0.05)
        fcntl.flock(file, fcntl.LOCK_SH)
        yield


def _students(place: CourseDirectory) -> list[str]:
    """Whoever handed something in."""
    pattern = place.format_path(place.submitted_directory, "(?P<student>.*)", place.assignment_id, escape=True)
    folders = glob.glob(place.format_path(place.submitted_directory, "*", place.assignment_id))
    return sorted(found["student"] for found in map(re.compile(pattern).fullmatch, folders) if found)


def _done(place: CourseDirectory, students: list[str]) -> set[str]:
    """Whose submission was graded as it is now, and stands in the gradebook."""
    with Gradebook(place.db_url, place.course_id) as gradebook:
        try:
            known = {submission.student_id for submission in gradebook.find_assignment(place.assignment_id).submissions}
        except MissingEntry:
            message = _("{name} is not in the gradebook: first nbgrader generate_assignment {name}")
            raise SystemExit(message.format(name=place.assignment_id)) from None
    markers = {student: _marker(place, student) for student in students if student in known}
    return {student for student, path in markers.items() if path.exists() and path.read_text() == _digest(place, student)}


def _results(root: str, assignment: str, students: list[str], workers: int) -> Iterator[Graded]:
    """Grade them, as they come; whoever brings a process of the pool down is tried once more, in one of their own."""
    broken: list[str] = []
    yield from _pooled(root, assignment, students, workers, broken)
    for student in broken:
        lost: list[str] = []
        yield from _pooled(root, assignment, [student], 1, lost)
        yield from (Graded(student, False, (f"{student}: " + _("the process that graded it died"),)) for student in lost)


def _pooled(root: str, assignment: str, students: list[str], workers: int, broken: list[str]) -> Iterator[Graded]:
    # copies of a process that has imported everything
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["cmpx.pool"])
    with ProcessPoolExecutor(workers, context, _begin, (root,)) as pool:
        futures = {pool.submit(_grade, assignment, student): student for student in students}
        try:
            for future in as_completed(futures):
                try:
                    yield future.result()
                except BrokenProcessPool:
                    broken.append(futures[future])
        finally:
            pool.shutdown(cancel_futures=True)


def autograde(assignment: str, workers: int | None = None) -> int:
    """Grade every submission of the course in the working directory that has not been graded as it is.

    Parameters
    ----------
    assignment : str
        Its name.
    workers : int, optional
        How many processes; by default one for each processor.

    Returns
    -------
    int
        How many could not be graded.
    """
    place = course(configured(), assignment)
    students = _students(place)
    with _alone(place.root):
        done = _done(place, students)
        left = [student for student in students if student not in done]
        failed = []
        with tqdm(desc=assignment, total=len(students), initial=len(done), disable=None, file=sys.stderr) as bar:
            for graded in _results(place.root, assignment, left, min(workers or usable_cpus(), len(left) or 1)):
                for line in graded.log:
                    bar.write(line, sys.stderr)
                failed += [] if graded.success else [graded.student]
                bar.update()
    print(_("graded {new}, already graded {old}").format(new=len(left) - len(failed), old=len(done)))
    if failed:
        print(_("left, to be tried again at the next run: {students}").format(students=", ".join(sorted(failed))))
    return len(failed)
