"""Checking against SPIN, and from an edit to a verdict against the bare compiler."""

import itertools
import re
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from cmpx import toolchain, worker
from cmpx.listings import Listing, listing

_PAIRS = 15
_MODEL = Path(__file__).with_name("pi_desc.pml")
_edits = itertools.count(time.time_ns())


def _run(*command: str, folder: str) -> str:
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


def _spin(folder: str) -> None:
    """A verifier for safety without partial-order reduction, compiled as SPIN advises."""
    _run("spin", "-a", str(_MODEL), folder=folder)
    _run("gcc", "-O2", "-DSAFETY", "-DNOREDUCE", "-o", "pan", "pan.c", folder=folder)


def _pan(folder: str) -> float:
    """Transitions a second, the start of the process included."""
    start = time.perf_counter()
    said = _run("./pan", "-m100000", "-w20", folder=folder)
    seconds = time.perf_counter() - start
    found = re.search(r"(\d+) transitions", said)
    assert found is not None
    assert "errors: 0" in said
    return int(found[1]) / seconds


def _ours() -> float:
    """Transitions a second, the fork and the exact count of interleavings included."""
    built = listing("pi_post_block", UPDATES=100, POSTS=100).build()
    job = {"verb": "check", "path": built.path, "states": 10**6, "seconds": 60, "deadline": 60}
    start = time.perf_counter()
    answer = worker.run(toolchain.program("machine"), job).answer
    seconds = time.perf_counter() - start
    assert answer["complete"]
    assert not answer["findings"]
    return float(answer["transitions"]) / seconds


def _edited() -> str:
    """The text of pi_post_block, as nobody has compiled it before."""
    return f"{listing('pi_post_block').text}/* {next(_edits)} */\n"


def _verdict() -> float:
    text = _edited()
    start = time.perf_counter()
    assert Listing(text, name="edited").check().status == "holds"
    return time.perf_counter() - start


def _bare(folder: str) -> float:
    """The same compiler and link, by hand."""
    Path(folder, "edited.c").write_text(_edited())
    includes = (f"-I{toolchain.HEADERS}", f"-I{toolchain.HEADERS.parent / 'listings'}")
    start = time.perf_counter()
    command = toolchain.compiler().command
    _run(*command, "-O0", "-g", "-fsanitize=thread", "-fPIC", "-c", "edited.c", *includes, folder=folder)
    _run(*command, "-shared", "-nostdlib", "-o", "edited.so", "edited.o", folder=folder)
    return time.perf_counter() - start


def _spin_verdict(folder: str) -> float:
    start = time.perf_counter()
    _spin(folder)
    _pan(folder)
    return time.perf_counter() - start


def _pairs(ours: Callable[[], float], theirs: Callable[[], float]) -> tuple[float, float, float]:
    """Medians of ours, theirs and of ours / theirs, run in turn."""
    runs = [(ours(), theirs()) for _ in range(_PAIRS)]
    return (
        statistics.median(a for a, _ in runs),
        statistics.median(b for _, b in runs),
        statistics.median(a / b for a, b in runs),
    )


def main() -> None:
    """Print each figure beside what it should be."""
    with tempfile.TemporaryDirectory() as folder:
        _spin(folder)
        _ours()
        ours, theirs, ratio = _pairs(lambda: _ours() / 1e6, lambda: _pan(folder) / 1e6)
        print(f"k=m=100, M transitions/s:      {ours:8.2f}  pan -O2           {theirs:8.2f}  ratio {ratio:.3f}  (at least 1)")
        ours, theirs, ratio = _pairs(lambda: 1e3 * _verdict(), lambda: 1e3 * _bare(folder))
        print(f"edit to verdict, ms:           {ours:8.1f}  compile and link  {theirs:8.1f}  ratio {ratio:.3f}  (at most 1.4)")
        ours, theirs, ratio = _pairs(lambda: 1e3 * _verdict(), lambda: 1e3 * _spin_verdict(folder))
        print(f"edit to verdict, ms:           {ours:8.1f}  spin, gcc and pan {theirs:8.1f}  ratio {ratio:.3f}  (at most 1/3)")


if __name__ == "__main__":
    main()
