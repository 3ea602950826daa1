"""Record what the book shows where a reader's machine cannot: python tools/record.py, on quiet cores.

Every chapter runs in both languages, and each answer of a listing is stored for readers without a compiler or a second
processor. Recordings that no chapter asks for go. A race that is stored already stays, since no two are the same: delete its
file to record another. So do the races of pi_desc and the measurements of contention, for readers with one processor.
"""

import ctypes
import json
import os
import sys
import time
import zlib
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import asdict, astuple, fields, replace
from pathlib import Path
from typing import Any

from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from proofread import LANGUAGES, chapters, read
from traitlets.config import Config

from cmpx import language, listings, stored
from cmpx.cpus import usable_cpus
from cmpx.measuring import OPERATIONS, PLACES, RECORDING, Contention, contend
from cmpx.racing import STRATEGIES, LiveRace

BOOK = Path(__file__).resolve().parents[1] / "notebooks"
_FOLDER = BOOK.parent / "cmpx/recordings"
_FRAMES = 60
_EVENTS = 300
_ADDR_NO_RANDOMIZE = 0x40000


def play(path: Path) -> Iterator[tuple[Any, str, list[dict[str, Any]]]]:
    """Run a chapter's code in this process: each cell, what it printed, and what its value looks like.

    Parameters
    ----------
    path : Path
        Of the notebook.

    Raises
    ------
    BaseException
        What a cell raised without meaning to.
    """
    shell: Any = InteractiveShell.instance(config=Config({"HistoryManager": {"enabled": False}}))
    shell.reset(new_session=False)
    shown: list[dict[str, Any]] = []
    formats = shell.display_formatter.format
    shell.display_trap.hook = lambda value: shown.append(formats(value)[0]) if value is not None else None
    listings._register_magic()
    language(path.parent.name)
    before = Path.cwd()
    os.chdir(path.parent)
    try:
        for cell in read(path).cells:
            if cell.cell_type != "code":
                continue
            shown.clear()
            with capture_output() as said:
                done = shell.run_cell(cell.source, store_history=True)
            if not done.success and "raises-exception" not in cell.metadata.get("tags", ()):
                print(said.stderr, f"{path}: cell {cell.id} failed", sep="\n", file=sys.stderr)
                done.raise_error()
            yield cell, said.stdout, shown
    finally:
        os.chdir(before)


def record_listings() -> None:
    """Every answer that the chapters ask for."""
    with stored.recording():
        for name in chapters(BOOK):
            for chosen in LANGUAGES:
                print(f"{chosen}/{name}", flush=True)
                for _cell in play(BOOK / chosen / f"{name}.ipynb"):
                    pass


def record_strategy(strategy: str) -> None:
    """Two seconds at 30 frames a second, and the result with the end of its timeline."""
    live = LiveRace(strategy, delay_cycles=200, posts_per_second=200_000, seed=1)
    live.start()
    frames = []
    for _ in range(_FRAMES):
        time.sleep(1 / 30)
        frames.append(live.snapshot())
    result = live.result()
    frames.append(live.snapshot())
    live.close()
    result = replace(result, timeline=result.timeline[-_EVENTS:])
    kept = {field.name: getattr(result, field.name) for field in fields(result) if field.name != "recorded"}
    kept["timeline"] = [astuple(event) for event in result.timeline]
    snapshots = [b64encode(zlib.compress(frame, 9)).decode() for frame in frames]
    (_FOLDER / f"{strategy}.json").write_text(json.dumps({"result": kept, "snapshots": snapshots}, indent=0) + "\n")


def measure(**settings: Any) -> Contention:
    """With both processors for it nearly all the time."""
    result = contend(seconds=0.005, tries=1000, **settings)
    assert result.processors > 1.9, f"too much else is running: {result}"
    return result


def record_contention() -> None:
    """Every operation in every place, and the retries of cmpxchg against window, threads and backoff."""
    results = [measure(operation=operation, place=place) for operation in OPERATIONS for place in PLACES]
    results += [
        measure(operation="cmpxchg", threads=threads, window_cycles=window, pause_cycles=2000, backoff=backoff)
        for threads in (2, 4)
        for window in (0, 250, 500, 1000, 2000, 4000)
        for backoff in (False, True)
    ]
    results += [measure(operation="cmpxchg", window_cycles=1000, backoff=backoff) for backoff in (False, True)]
    results += [measure(operation=operation, threads=4) for operation in ("fetch_add", "cmpxchg")]
    kept = [{name: value for name, value in asdict(result).items() if name != "recorded"} for result in results]
    RECORDING.write_text(json.dumps(kept, indent=0) + "\n")


def main() -> None:
    """Record all that is missing or may have changed."""
    if usable_cpus() < 2:
        sys.exit("a recording is made on a machine with two processors or more")
    for strategy in STRATEGIES:
        if not (_FOLDER / f"{strategy}.json").exists():
            record_strategy(strategy)
    if not RECORDING.exists():
        record_contention()
    # the same addresses, so the same files; where that is refused, the files differ in them
    ctypes.CDLL(None).personality(_ADDR_NO_RANDOMIZE)
    record_listings()


if __name__ == "__main__":
    main()
