"""Record the races that a machine with a single usable processor shows: python tools/record.py."""

import json
import time
import zlib
from base64 import b64encode
from dataclasses import astuple, fields, replace
from pathlib import Path

from cmpx.racing import STRATEGIES, LiveRace

_FOLDER = Path(__file__).parent.parent / "cmpx/recordings"
_FRAMES = 60
_EVENTS = 300


def main() -> None:
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
    main()
