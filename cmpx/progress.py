"""What the reader has seen and answered, kept on this machine only, without a name: one line of JSON for each event.

A line is added in one write, so that several kernels can share the file; what cannot be read is passed over, and what cannot
be written is not kept. No cell fails because of it.
"""

import contextlib
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

__all__ = ["CONFIDENCES", "Commitment", "commit", "commitments", "visit", "visited"]

CONFIDENCES = ("guessing", "fairly sure", "certain")


@dataclass(frozen=True)
class Commitment:
    """One answer to one question.

    Parameters
    ----------
    chapter : str
        Whose question it is.
    asked : {"first", "again"}
        At its opening, or two chapters later.
    choice : int
        Which choice, counted from 0 as its file does.
    confidence : {"guessing", "fairly sure", "certain"}
        How sure the reader was.
    right : bool
        Whether it was the right one.
    time : str
        When, in UTC.
    """

    chapter: str
    asked: str
    choice: int
    confidence: str
    right: bool
    time: str


def _file() -> Path:
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share") / "cmpx/progress.jsonl"


def _append(event: dict[str, Any]) -> None:
    with contextlib.suppress(OSError, RuntimeError):  # a full or a read-only disk, or nobody's home
        path = _file()
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab", buffering=0) as file:
            # it begins a line too, in case that the last one was left unfinished
            file.write(b"\n" + json.dumps(event).encode() + b"\n")


def _events() -> Iterator[dict[str, Any]]:
    with contextlib.suppress(OSError, RuntimeError):
        for line in _file().read_bytes().splitlines():
            with contextlib.suppress(ValueError):
                event = json.loads(line)
                if isinstance(event, dict):
                    yield event


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def commit(chapter: str, asked: str, choice: int, confidence: str, right: bool) -> None:
    """Keep an answer; the parameters are those of `Commitment`."""
    _append(asdict(Commitment(chapter, asked, choice, confidence, right, _now())))


def commitments() -> list[Commitment]:
    """All answers, the oldest first."""
    found = []
    for event in _events():
        with contextlib.suppress(TypeError):  # a line with other keys is no commitment
            found.append(Commitment(**event))
    return found


def visit(chapter: str) -> None:
    """Keep that the reader has run the chapter."""
    _append({"visited": chapter, "time": _now()})


def visited() -> set[str]:
    """The chapters that the reader has run."""
    return {str(event["visited"]) for event in _events() if "visited" in event}
