"""Every C test as a program of its own: plain, under the sanitizers, and for another processor."""

import functools
import json
import os
import re
import runpy
import shlex
import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TESTS = sorted((ROOT / "tests" / "csrc").glob("test_*.c"))
CC = shlex.split(os.environ.get("CC", "cc"))
ARM = ["aarch64-linux-gnu-gcc", "-static", "-O2", "-Werror"]
QEMU = ["qemu-aarch64"]
PACKAGES = "gcc, gcc-aarch64-linux-gnu and qemu-user (Debian's names)"
FLAGS = ["-std=gnu11", "-Wall", "-Wextra", "-pthread", "-Icsrc", "-Icsrc/include", "-Icsrc/include/generated"]


@functools.cache
def unshuffled() -> list[str]:
    """Switch address randomisation off where that is allowed: sanitizers fail on kernels that use many bits of it."""
    command = ["setarch", "-R"]
    allowed = shutil.which("setarch") and subprocess.run([*command, "true"], capture_output=True).returncode == 0
    return command if allowed else []


def run(command: list[str], **options: object) -> None:
    assert shutil.which(command[0]), f"{command[0]} is missing; these tests need {PACKAGES}"
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, **options)
    assert result.returncode == 0, f"{shlex.join(command)}\n{result.stdout}{result.stderr}"


def check(source: Path, executable: Path, compiler: list[str], runner: list[str], iterations: int) -> None:
    """Compile a C test with the sources that its first line names, and run it."""
    first = source.read_text().splitlines()[0]
    sources = re.fullmatch(r"/\* sources:(.*) \*/", first)
    assert sources, f"{source.name} starts with {first!r}, not with /* sources: ... */"
    run([*compiler, *FLAGS, str(source), *sources[1].split(), "-o", str(executable)])
    run([*runner, str(executable), str(iterations)])


@pytest.mark.parametrize("source", TESTS, ids=lambda source: source.stem)
class TestNative:
    def test_plain(self, source: Path, tmp_path: Path) -> None:
        check(source, tmp_path / "test", [*CC, "-O2", "-Werror"], [], 100_000)

    def test_address_and_undefined(self, source: Path, tmp_path: Path) -> None:
        sanitizers = ["-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
        check(source, tmp_path / "test", [*CC, *sanitizers], unshuffled(), 20_000)

    def test_thread(self, source: Path, tmp_path: Path) -> None:
        check(source, tmp_path / "test", [*CC, "-O1", "-g", "-fsanitize=thread"], unshuffled(), 10_000)

    def test_aarch64(self, source: Path, tmp_path: Path) -> None:
        check(source, tmp_path / "test", ARM, QEMU, 10_000)

    def test_aarch64_without_lse(self, source: Path, tmp_path: Path) -> None:
        """Loops of load-exclusive and store-exclusive, where the processor has no cas instruction."""
        check(source, tmp_path / "test", [*ARM, "-mno-outline-atomics"], QEMU, 10_000)


class TestFreeThreadedPython:
    """Refused before anything is built, and by the compiler should someone build by hand."""

    def test_setup_says_so(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sysconfig, "get_config_var", lambda name: name == "Py_GIL_DISABLED")
        with pytest.raises(SystemExit, match="does not support free-threaded Python yet"):
            runpy.run_path(str(ROOT / "setup.py"))

    def test_the_compiler_says_so(self) -> None:
        include = f"-I{sysconfig.get_path('include')}"
        command = [*CC, "-fsyntax-only", "-DPy_GIL_DISABLED=1", include, "-Icsrc", "csrc/words.c"]
        result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        assert result.returncode
        assert "does not support free-threaded Python yet" in result.stderr


ANEW = """#include <cmpx/listing.h>
#include <linux/compiler.h>
static int a = 5, b, *p = &a;
INIT { b = 7; }
PROCESS(one) { a++; WRITE_ONCE(p, &b); }
PROCESS(two) { }
FINALLY { EXPECT(a == 6 && b == 7 && *p == 7, "left over"); }
"""


@pytest.mark.parametrize(
    ("compiler", "runner"),
    [(CC, []), (["aarch64-linux-gnu-gcc"], ["qemu-aarch64", "-L", "/usr/aarch64-linux-gnu"])],
    ids=["native", "aarch64"],
)
def test_rounds_of_a_listing(compiler: list[str], runner: list[str], tmp_path: Path) -> None:
    driver, listing = str(tmp_path / "driver"), str(tmp_path / "listing.so")
    sources = ["tests/csrc/rounds_driver.c", "csrc/rounds.c"]
    run([*compiler, *FLAGS, "-O2", "-Werror", "-rdynamic", *sources, "-ldl", "-o", driver])
    shared = ["-O2", "-shared", "-fPIC", "-nostdlib", "-fvisibility=hidden", "-Wl,-z,now"]
    for text, may_fail in ((ANEW, False), ((ROOT / "csrc/listings/counter_plain.c").read_text(), True)):
        (tmp_path / "listing.c").write_text(text)
        run([*compiler, *FLAGS, *shared, str(tmp_path / "listing.c"), "-o", listing])
        said = subprocess.run([*runner, driver, listing, "1000", ""], cwd=ROOT, capture_output=True, timeout=60)
        answer = json.loads(said.stdout)
        failing = sum(count for _cause, count, _text in answer["messages"])
        assert (answer["state"], sum(count for _key, count, _bad in answer["outcomes"])) == ("done", 1000)
        assert failing == sum(bad for _key, _count, bad in answer["outcomes"])
        assert may_fail or failing == 0
