"""Record what a machine with a single usable processor shows in place of races: python tools/record.py, on quiet cores."""

import json
import time
import zlib
from base64 import b64encode
from dataclasses import asdict, astuple, fields, replace
from pathlib import Path
from typing import Any

from cmpx.measuring import OPERATIONS, PLACES, RECORDING, Contention, contend
from cmpx.racing import STRATEGIES, LiveRace

_FOLDER = Path(__file__).parent.parent / "cmpx/recordings"
_FRAMES = 60
_EVENTS = 300


def measure(**settings: Any) -> Contention:
    """With both processors for it nearly all the time."""
    result = contend(seconds=0.005, tries=1000, **settings)
    assert result.processors > 1.9, f"too much else is running: {result}"
    return result


def contention() -> None:
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
    stored = [{name: value for name, value in asdict(result).items() if name != "recorded"} for result in results]
    RECORDING.write_text(json.dumps(stored, indent=0) + "\n")


def races() -> None:
    """Two seconds of each strategy at 30 frames a second, and its result with the end of its timeline."""
    for strategy in STRATEGIES:
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
        stored = {field.name: getattr(result, field.name) for field in fields(result) if field.name != "recorded"}
        stored["timeline"] = [astuple(event) for event in result.timeline]
        snapshots = [b64encode(zlib.compress(frame, 9)).decode() for frame in frames]
        (_FOLDER / f"{strategy}.json").write_text(json.dumps({"result": stored, "snapshots": snapshots}, indent=0) + "\n")


if __name__ == "__main__":
    races()
    contention()
