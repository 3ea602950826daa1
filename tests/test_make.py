"""What `make` says on a machine that lacks something: one line, before anything is made."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TOOLS = ("cat", "make", "pwd", "rm", "sh")


@pytest.fixture
def machine(tmp_path):
    """An empty clone, and a machine with no more than the tools that every system has; returns its program folder."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in TOOLS:
        (programs / name).symlink_to(shutil.which(name))
    return programs


def script(path, text):
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def compiler(machine):
    script(machine / "gcc", "exit 0")


def python(machine, without="nothing"):
    """A Python that fails at code that names a certain thing."""
    script(machine / "python3", f'case "$*" in *{without}*) exit 1;; esac\nexec "{sys.executable}" "$@"')


def complaint(machine, *variables):
    command = [machine / "make", "lab", *variables]
    result = subprocess.run(command, cwd=machine.parent, env={"PATH": str(machine)}, capture_output=True, text=True)
    assert result.returncode == 2
    assert result.stdout == ""
    assert not (machine.parent / ".venv").exists()
    (line,) = result.stderr.splitlines()
    return line


def test_no_python(machine):
    compiler(machine)
    assert "needs Python 3.11 or newer, with the GIL: install python3" in complaint(machine)


def test_an_old_python(machine):
    compiler(machine)
    python(machine, without="version_info")
    assert "needs Python 3.11 or newer, with the GIL: install python3" in complaint(machine)


def test_no_compiler(machine):
    python(machine)
    assert "needs a C compiler: install gcc or clang" in complaint(machine)


def test_a_compiler_that_is_not_there(machine):
    python(machine)
    compiler(machine)
    assert "needs a C compiler: install gcc or clang" in complaint(machine, "CC=nonesuch -O2")


def test_no_headers(machine):
    compiler(machine)
    python(machine, without="Python.h")
    assert f"needs the C headers of {machine / 'python3'}: install python3-dev" in complaint(machine)


def test_no_venv_module(machine):
    compiler(machine)
    python(machine, without="ensurepip")
    assert f"needs the venv module of {machine / 'python3'}: install python3-venv" in complaint(machine)
