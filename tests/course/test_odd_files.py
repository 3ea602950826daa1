"""Submissions that no editor makes: they cost nobody else anything, and nothing of the teacher's is touched."""

import json
import os
from pathlib import Path

import classroom
import nbformat
import pytest

ASSIGNMENT = "a3-refcount"


def test_odd_files_and_metadata(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root, outside = tmp_path / "course", tmp_path / "outside"
    root.mkdir()
    source = nbformat.read(classroom.notebook(ASSIGNMENT, "en"), as_version=4)
    course = classroom.Course(root, ASSIGNMENT, source, monkeypatch)
    course.release()

    def hand_in(student: str, *changes) -> Path:
        answers = [classroom.put(name, classroom.answer(name, "reference", ASSIGNMENT, student)) for name in ("get", "put")]
        return course.hand_in(student, *answers, *changes)

    hand_in("honest")
    path = hand_in("pipe")
    path.unlink()
    os.mkfifo(path)
    path = hand_in("dangling")
    path.rename(path.with_name("mine.ipynb"))
    path.symlink_to(outside)
    path = hand_in("copied")
    path.unlink()
    path.symlink_to(course.path("submitted", "honest"))
    path = hand_in("named")
    path.rename(path.with_name('a3 ..\n".ipynb'))
    path = hand_in("bytes")
    os.rename(path, os.fsencode(path.parent) + b"/\xff.ipynb")
    path = hand_in("half")
    nb = json.loads(path.read_text("utf-8"))
    nb["cells"].append({"cell_type": "raw", "id": "half", "metadata": {}, "source": "\ud83d"})
    path.write_text(json.dumps(nb), "utf-8")
    hand_in("listed", lambda nb: nb.cells[0].metadata.update(nbgrader={"grade_id": ["get"]}))
    hand_in("extra", lambda nb: nb.cells.insert(0, nbformat.v4.new_code_cell(f"open({str(outside)!r}, 'w')")))
    course.path("submitted", "extra").with_name("nbgrader_config.py").write_text(f"open({str(outside)!r}, 'w')")

    done = course.autograde("--workers", "1")
    assert "left, to be tried again at the next run: bytes, copied, dangling, pipe" in done.stdout, done.stdout + done.stderr
    for student in ("copied", "dangling", "pipe"):
        assert f"{student}: {ASSIGNMENT}.ipynb is no plain file" in done.stderr
    assert not os.path.lexists(outside)
    scores = course.exported()
    assert [scores[student] for student in ("honest", "named", "half", "listed", "extra")] == [90.0] * 5
    assert "dangling" not in scores
