"""What listings answered where there was a compiler, for a machine that has none.

With ``$CMPX_RECORD`` set, each job that runs leaves a file in ``recordings/listings``: its answer, and whatever was then asked
of the symbols. Without a compiler the same job finds that file.
"""

import atexit
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from cmpx.languages import _

if TYPE_CHECKING:
    from cmpx.symbols import Symbols

__all__ = ["Record", "Recorder", "StoredSymbols", "find", "recording"]

_records: dict[Path, dict[str, Any]] = {}
FOLDER = Path(__file__).parent / "recordings" / "listings"


@dataclass(frozen=True)
class Record:
    """What takes the place of a `Build`: what built the listing once, and what it said of names and lines."""

    title: str
    symbols: "Symbols"
    stored: bool = True


def recording() -> bool:
    """Whether jobs leave their answers."""
    return bool(os.environ.get("CMPX_RECORD"))


def _path(job: Mapping[str, object]) -> Path:
    said = json.dumps({name: str(value) for name, value in job.items()}, sort_keys=True)
    return FOLDER / f"{hashlib.sha256(said.encode()).hexdigest()[:24]}.json"


def find(job: Mapping[str, object]) -> tuple[dict[str, Any], Record] | None:
    """What this job answered, if it was recorded.

    Parameters
    ----------
    job : Mapping
        All that it depends on: text, macros, verb and options.
    """
    path = _path(job)
    if not path.exists():
        return None
    record = json.loads(path.read_text(encoding="utf-8"))
    title = _("stored result, no compiler here: {title}").format(title=record["title"])
    return record["answer"], Record(title, cast("Symbols", StoredSymbols(record["symbols"])))


def _key(name: str, arguments: tuple[object, ...]) -> str:
    return " ".join(map(str, (name, *arguments)))


class Recorder:
    """Symbols that remember what they were asked, and leave it in a file at the end.

    Parameters
    ----------
    symbols : Symbols
        Those that answer.
    job : Mapping
        As for `find`.
    answer : dict
        The job's.
    title : str
        Compiler and level.
    """

    def __init__(self, symbols: "Symbols", job: Mapping[str, object], answer: dict[str, Any], title: str) -> None:
        self._symbols = symbols
        record = _records.setdefault(_path(job), {"title": title, "answer": answer, "symbols": {}})
        self._said: dict[str, Any] = record["symbols"]

    def line(self, return_address: int) -> Any:
        """As `Symbols.line`."""
        place = self._symbols.line(return_address)
        self._said[_key("line", (return_address,))] = [Path(place.file).name, place.line]
        return place

    def name(self, offset: int, size: int) -> str:
        """As `Symbols.name`."""
        name = self._symbols.name(offset, size)
        self._said[_key("name", (offset, size))] = name
        return name

    def is_signed(self, name: str) -> bool:
        """As `Symbols.is_signed`."""
        signed = self._symbols.is_signed(name)
        self._said[_key("signed", (name,))] = signed
        return signed

    @property
    def variables(self) -> Any:
        """As `Symbols.variables`."""
        self._said.setdefault("variables", [asdict(variable) for variable in self._symbols.variables])
        return self._symbols.variables

    def frame(self, pc: int) -> Any:
        """As `Symbols.frame`."""
        frame = self._symbols.frame(pc)
        self._said[_key("frame", (pc,))] = frame and asdict(frame)
        return frame


@atexit.register
def _write() -> None:
    for path, record in _records.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(record, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")


class StoredSymbols:
    """Symbols that answer from a recording.

    Parameters
    ----------
    said : dict
        What a `Recorder` left.
    """

    def __init__(self, said: dict[str, Any]) -> None:
        self._said = said

    def line(self, return_address: int) -> Any:
        """As `Symbols.line`."""
        from cmpx.symbols import Line

        return Line(*self._said[_key("line", (return_address,))])

    def name(self, offset: int, size: int) -> str:
        """As `Symbols.name`."""
        return str(self._said[_key("name", (offset, size))])

    def is_signed(self, name: str) -> bool:
        """As `Symbols.is_signed`."""
        return bool(self._said[_key("signed", (name,))])

    @property
    def variables(self) -> Any:
        """As `Symbols.variables`."""
        from cmpx.symbols import Variable

        return tuple(Variable(**variable) for variable in self._said["variables"])

    def frame(self, pc: int) -> Any:
        """As `Symbols.frame`."""
        from cmpx.symbols import Frame, Variable

        said = self._said[_key("frame", (pc,))]
        if said is None:
            return None
        return Frame(**said | {"locals": tuple((base, Variable(**variable)) for base, variable in said["locals"])})
