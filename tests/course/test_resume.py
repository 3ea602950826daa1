"""A run of the grader that is killed at any moment is taken up again: nothing is lost, and nothing graded twice."""

import contextlib
import multiprocessing
import os
import random
import shutil
import signal
import time
from multiprocessing import forkserver

import classroom
import nbformat
import psutil
import pytest
from classroom import put

from cmpx import pool
from cmpx.toolchain import program

NAME = "a2-pre-block"
ANSWERS = ["reference", "return_ignored", "crash", "empty", "plain_store", "masks"]
KILLS = 10


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    with pytest.MonkeyPatch.context() as monkeypatch:
        source = nbformat.read(classroom.notebook(NAME, "en"), as_version=4)
        course = classroom.Course(tmp_path_factory.mktemp("course"), NAME, source, monkeypatch)
        course.release()
        for number, name in enumerate(ANSWERS):
            student = f"s{number}"
            text = classroom.answer("pre_block", name, NAME, student)
            course.hand_in(student, put("pre_block", text), *([put("explanation", "So.")] if number % 2 else []))
        shutil.copy(course.root / "gradebook.db", course.root / "before.db")
        # all runs have their processes from the same server, which has imported everything
        multiprocessing.get_context("forkserver").set_forkserver_preload(["cmpx.pool"])
        forkserver.ensure_running()
        yield course


def begin_again(course):
    shutil.rmtree(course.root / "autograded", ignore_errors=True)
    shutil.copy(course.root / "before.db", course.root / "gradebook.db")


def grade(course, kill_after=None):
    """Grade in a process of its own, which may not come to its end; how long it took, and what it printed."""
    begin = time.monotonic()
    said = course.root / "said"
    pid = os.fork()
    if not pid:
        status = 1
        forkserver._forkserver.ensure_running = lambda: None  # it is, but as a child of our parent
        try:
            with said.open("w") as file, contextlib.redirect_stdout(file):
                status = pool.autograde(NAME, 2)
        finally:
            os._exit(status)
    if kill_after is not None:
        time.sleep(kill_after)
        os.kill(pid, signal.SIGKILL)
    _pid, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) in ((0,) if kill_after is None else (0, -signal.SIGKILL))
    return time.monotonic() - begin, said.read_text()


def markers(course):
    return {path.parent.parent.name: path.stat().st_mtime_ns for path in course.root.glob(f"autograded/*/{NAME}/{pool.MARKER}")}


def sandboxes():
    machine = str(program("machine"))
    return {each.pid for each in psutil.process_iter(["exe", "ppid"]) if each.info["exe"] == machine and each.info["ppid"] == 1}


@pytest.fixture(scope="module")
def undisturbed(course):
    begin_again(course)
    grade(course)
    begin_again(course)
    seconds, said = grade(course)
    assert f"graded {len(ANSWERS)}, already graded 0" in said
    assert len(markers(course)) == len(ANSWERS)
    return course.entries(), seconds


def test_killed_and_resumed(course, undisturbed):
    entries, seconds = undisturbed
    stood = []
    for number in range(KILLS):
        begin_again(course)
        # one in each tenth of the run
        grade(course, seconds * (number + random.Random(number).random()) / KILLS)
        before = markers(course)
        _seconds, said = grade(course)
        assert f"graded {len(ANSWERS) - len(before)}, already graded {len(before)}" in said
        assert {student: at for student, at in markers(course).items() if student in before} == before
        assert course.entries() == entries
        stood.append(len(before))
    assert any(0 < done < len(ANSWERS) for done in stood), stood


def test_no_sandbox_outlives_the_one_who_started_it(course, undisturbed):
    _entries, seconds = undisturbed
    left = sandboxes()
    begin_again(course)
    grade(course, seconds / 2)
    with pool._alone(str(course.root)):  # the pool is gone
        end = time.monotonic() + 10
        while (still := sandboxes() - left) and time.monotonic() < end:
            time.sleep(0.05)
        assert not still


def test_only_one_run_at_a_time(course, monkeypatch, tmp_path):
    monkeypatch.setattr(pool, "_ORPHANS", 0.2)
    with pool._alone(str(tmp_path)), pytest.raises(SystemExit, match="another run is grading"), pool._alone(str(tmp_path)):
        pass


def test_whoever_brings_a_process_down_is_reported(course, undisturbed, monkeypatch, capfd):
    """The others are graded all the same."""
    begin_again(course)
    path = course.path("source", ".")
    text = path.read_text("utf-8")
    nb = nbformat.reads(text, as_version=4)
    killer = "import os\nos.kill(os.getpid(), 9) if a2.student == 's3' else None\n"
    nb.cells[1].source = f"{nb.cells[1].source}\n{killer}"
    nbformat.write(nb, path)
    course.release()
    try:
        assert pool.autograde(NAME, 2) == 1
    finally:
        path.write_text(text, "utf-8")
    out, err = capfd.readouterr()
    assert "to be tried again at the next run: s3\n" in out
    assert "s3: the process that graded it died" in err
    assert f"graded {len(ANSWERS) - 1}, already graded 0" in out
