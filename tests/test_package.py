"""The wheel: one for every Python from 3.11 on, and complete."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
BUILD = "import sys, setuptools.build_meta; print(setuptools.build_meta.build_wheel(sys.argv[1]))"
USE = """
from pathlib import Path
import cmpx
from cmpx import cmpxchg, language, race, u32
from cmpx.chapters import contents
from cmpx.glossary import terms
from cmpx.sources import source
from cmpx.widgets import Predict, Racer

assert Path(cmpx.__file__).is_relative_to(Path.cwd()), cmpx.__file__
x = u32(5)
assert (cmpxchg(x, 5, 7), x.value) == (5, 7)
assert race("cmpxchg", rounds=100).lost == 0
assert "cmpxchg64" in source("pi_update")
Racer("cmpxchg")
language("en")
assert "returned 7" in repr(Predict("02-cmpxchg"))
assert "00 Start here" in repr(contents())
assert len(terms()) > 50
language("zh")
try:
    u32(1 << 40)
except OverflowError as error:
    assert "太宽" in str(error), error
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Built from a copy, so that nothing from an earlier build slips in."""
    copy = tmp_path_factory.mktemp("source") / "cmpx"
    made = shutil.ignore_patterns("*.so", "*.mo", "_engine.c", "generated", "__pycache__")
    for folder in ("cmpx", "csrc"):
        shutil.copytree(ROOT / folder, copy / folder, ignore=made)
    for file in ("LICENSE", "MANIFEST.in", "README.md", "pyproject.toml", "setup.py"):
        shutil.copy(ROOT / file, copy / file)
    folder = tmp_path_factory.mktemp("wheel")
    built = subprocess.run([sys.executable, "-c", BUILD, folder], cwd=copy, capture_output=True, text=True)
    assert built.returncode == 0, built.stdout + built.stderr
    (path,) = folder.iterdir()
    return path


def test_one_wheel_serves_every_python_from_3_11(wheel):
    assert "-cp311-abi3-" in wheel.name
    modules = [name for name in zipfile.ZipFile(wheel).namelist() if name.endswith(".so")]
    assert sorted(modules) == ["cmpx/_engine.abi3.so", "cmpx/_words.abi3.so"]


def test_the_package_works_without_the_checkout(wheel, tmp_path):
    zipfile.ZipFile(wheel).extractall(tmp_path)
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    used = subprocess.run([sys.executable, "-c", USE], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert used.returncode == 0, used.stderr


def test_the_licences_are_in_it(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert [name.rpartition("licenses/")[2] for name in names if "licenses/" in name] == ["LICENSE", "cmpx/fonts/OFL.txt"]
