"""The commands of docs/classroom, in the order in which a teacher reads them."""

import csv
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import classroom
import nbformat
import pytest

NAME = "a2-pre-block"


def commands(language):
    """Who types what: each line of the blocks marked sh, up to the section about the hub."""
    page = (classroom.ROOT / f"docs/classroom/{language}.md").read_text("utf-8").partition("## JupyterHub")[0]
    blocks = re.findall(r"^```sh( student)?\n(.*?)^```", page, re.S | re.M)
    return [("student" if who else "teacher", line) for who, block in blocks for line in block.splitlines()]


def test_both_languages_say_the_same():
    assert len(commands("en")) > 10
    assert [(who, line.replace("/en/", "/zh/")) for who, line in commands("en")] == commands("zh")


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    folder = tmp_path_factory.mktemp("class")
    for name in ("teacher", "student", "exchange", "config"):
        (folder / name).mkdir()
    (folder / "exchange").chmod(0o777)
    (folder / "config/nbgrader_config.py").write_text(
        f"c = get_config()\nc.CourseDirectory.course_id = 'cmpx'\nc.Exchange.root = {str(folder / 'exchange')!r}\n"
    )
    return folder


def solve(path: Path, student: str) -> None:
    nb = nbformat.read(path, as_version=4)
    classroom.put("pre_block", classroom.answer("pre_block", "try_form", NAME, student))(nb)
    nbformat.write(nb, path)


def test_the_day_of_a_teacher(places):
    bin_folder = Path(sys.executable).parent
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("CMPX", "JUPYTER"))}
    environment |= {
        "BOOK": str(classroom.ROOT),
        "HOME": str(places),
        "JUPYTER_CONFIG_DIR": str(places / "config"),
        "PATH": f"{bin_folder}{os.pathsep}{environment['PATH']}",
    }
    student = subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout.strip()
    for who, line in commands("zh"):
        done = subprocess.run(line, cwd=places / who, env=environment, shell=True, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{line}: {done.stderr}"
        if "fetch_assignment" in line:
            solve(places / "student" / NAME / f"{NAME}.ipynb", student)
        if "nbgrader collect" in line:
            # who collects finds others there; of one student alone there is no sheet
            for other in ("wang", "li"):
                shutil.copytree(places / "teacher/submitted" / student, places / "teacher/submitted" / other)
    with (places / "teacher/grades.csv").open() as file:
        scores = {row["student_id"]: (row["score"], row["max_score"]) for row in csv.DictReader(file)}
    assert scores.keys() == {student, "wang", "li"}
    assert scores[student] == ("90.0", "100.0")
    assert "安全性 40/40" in (places / f"teacher/feedback/{student}/{NAME}/{NAME}.html").read_text("utf-8")
    assert (places / f"teacher/sheet-{NAME}.png").exists()
    assert list((places / "exchange/cmpx/feedback").iterdir())
