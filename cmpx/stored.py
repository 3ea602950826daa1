"""What listings answered where there was a compiler, for a machine that has none.

``tools/record.py`` runs every chapter within `recording`: each job leaves a file in ``recordings/listings``, with its answer
and whatever was then asked of the symbols. Without a compiler the same job finds that file; a race does on one processor too.
"""

import hashlib
import json
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from cmpx.languages import _
from cmpx.sources import CSRC
from cmpx.toolchain import HEADERS, Build, CompileError, compiler, explain

if TYPE_CHECKING:
    from cmpx.symbols import Symbols

__all__ = ["Record", "Recorder", "StoredSymbols", "begin", "find", "is_recording", "recording", "refused"]

FOLDER = Path(__file__).parent / "recordings" / "listings"
LARGEST = 60_000
"""Bytes of a stored state graph; of a larger one the part that matters most is stored."""

_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*[<"]([^>"\n]+)[>"]', re.M)
_records: dict[Path, dict[str, Any]] | None = None
_told = None


@dataclass(frozen=True)
class Record:
    """What takes the place of a `Build`: what built the listing once, and what it answered and said of names and lines.

    Parameters
    ----------
    title : str
        Compiler and level; of a stored result, that it is one.
    compiler : str
        Compiler and level alone.
    symbols : StoredSymbols or Recorder
        Names and lines.
    answer : dict
        The job's; empty if its process died.
    status : int
        How that process ended, as the worker says it.
    path : Path
        The shared object of one made now.
    stored : bool
        Whether it was found.
    """

    title: str
    compiler: str
    symbols: "Symbols"
    answer: dict[str, Any]
    status: int = 0
    path: Path = Path()
    stored: bool = True

    @property
    def label(self) -> str:
        """What a result that comes from here says of itself."""
        return self.title if self.stored else ""


def _included(text: str) -> dict[str, str]:
    """The headers of ours that a text includes, and those that they include."""
    found: dict[str, str] = {}
    names = _INCLUDE.findall(text)
    while names:
        name = names.pop()
        path = next((path for path in (HEADERS / name, CSRC / "listings" / name) if path.is_file()), None)
        if path is not None and name not in found:
            found[name] = path.read_text(encoding="utf-8")
            names += _INCLUDE.findall(found[name])
    return found


def _path(job: Mapping[str, object]) -> Path:
    headers = sorted(_included(str(job["text"])).items())
    said = json.dumps([sorted((name, str(value)) for name, value in job.items()), headers])
    name = re.sub(r"\W", "_", str(job["name"]))[:40]
    return FOLDER / f"{name}-{job['verb']}-{hashlib.sha256(said.encode()).hexdigest()[:12]}.json"


def find(job: Mapping[str, object], sentence: str = "") -> Record | None:
    """What this job answered, if it was recorded.

    Parameters
    ----------
    job : Mapping
        All that it depends on: name, text, macros, verb and options. The headers that the text includes count too.
    sentence : str
        Why something stored is shown, if not for want of a compiler; with a place for the title.

    Raises
    ------
    CompileError
        The compiler refused the listing.
    """
    path = _path(job)
    if not path.exists():
        return None
    record = json.loads(path.read_text(encoding="utf-8"))
    title = (sentence or _("stored result, no compiler here: {title}")).format(title=record["title"])
    _tell(title)
    if "refused" in record:
        raise CompileError(f"{title}\n{explain(record['refused'], str(job['name']))}")
    return Record(title, record["title"], cast("Symbols", StoredSymbols(record["symbols"])), record["answer"], record["status"])


def _tell(title: str) -> None:
    """Say it once a cell: a number that the cell shows cannot say it of itself."""
    global _told
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if shell is not None and _told != (shell.execution_count, title):
        _told = shell.execution_count, title
        print(title, file=sys.stderr)


@contextmanager
def recording() -> Iterator[None]:
    """Within it each job leaves its answer; at its end these take the place of whatever was recorded before."""
    global _records
    records = _records = {}
    try:
        yield
    finally:
        _records = None
    FOLDER.mkdir(parents=True, exist_ok=True)
    for path in set(FOLDER.glob("*.json")) - set(records):
        path.unlink()
    for path, record in records.items():
        path.write_text(_written(record) + "\n", encoding="utf-8")


def is_recording() -> bool:
    """Whether jobs leave their answers."""
    return _records is not None


def begin(job: Mapping[str, object], built: Build, answer: dict[str, Any] | None = None, status: int = 0) -> Build | Record:
    """While recording, a build that remembers what its symbols are asked; else the build itself.

    Parameters
    ----------
    job : Mapping
        As for `find`.
    built : Build
        What the job runs.
    answer : dict, optional
        The job's; who does not have it yet puts it into the record's later.
    status : int
        As for `Record`.
    """
    if _records is None:
        return built
    path, answer = _path(job), {} if answer is None else answer
    symbols: dict[str, Any] = {}
    if job["verb"] == "race" and path.exists():
        # no two races are the same, and the one that is there is as true as another
        _records.setdefault(path, json.loads(path.read_text(encoding="utf-8")))
    else:
        _trim(answer)
        record = {"title": built.title, "status": status, "answer": answer, "symbols": {}}
        symbols = _records.setdefault(path, record)["symbols"]
        answer = _records[path]["answer"]
    return Record(
        built.title, built.title, cast("Symbols", Recorder(built.symbols, symbols)), answer, status, built.path, stored=False
    )


def refused(job: Mapping[str, object], error: CompileError) -> None:
    """While recording, remember that the compiler refused a listing."""
    if _records is not None:
        _records[_path(job)] = {"title": f"{compiler().version} -O{job['optimise']}", "refused": error.diagnostics}


def _trim(answer: dict[str, Any]) -> None:
    """The nodes of a graph stand in the order in which they matter."""
    graph = answer.get("graph", [])
    while len(graph) > 10 and (size := len(json.dumps(graph))) > LARGEST:
        del graph[len(graph) * LARGEST // size * 9 // 10 :]


def _written(value: Any, depth: int = 3) -> str:
    """JSON that diffs well: a line for each field, state and symbol."""
    if depth and value and isinstance(value, dict):
        rows = (f"{json.dumps(key)}: {_written(item, depth - 1)}" for key, item in sorted(value.items()))
        return "{\n" + ",\n".join(rows) + "\n}"
    if depth and value and isinstance(value, list) and isinstance(value[0], (dict, list)):
        return "[\n" + ",\n".join(_written(item, 0) for item in value) + "\n]"
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _key(name: str, arguments: tuple[object, ...]) -> str:
    return " ".join(map(str, (name, *arguments)))


class Recorder:
    """Symbols that remember what they were asked.

    Parameters
    ----------
    symbols : Symbols
        Those that answer.
    said : dict
        Where it is remembered.
    """

    def __init__(self, symbols: "Symbols", said: dict[str, Any]) -> None:
        self._symbols = symbols
        self._said = said

    @property
    def undefined(self) -> Any:
        """As `Symbols.undefined`."""
        self._said["undefined"] = sorted(self._symbols.undefined)
        return self._symbols.undefined

    @property
    def has_thread_locals(self) -> bool:
        """As `Symbols.has_thread_locals`."""
        self._said["thread locals"] = self._symbols.has_thread_locals
        return self._symbols.has_thread_locals

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
        self._said["variables"] = [asdict(variable) for variable in self._symbols.variables]
        return self._symbols.variables

    def frame(self, pc: int) -> Any:
        """As `Symbols.frame`."""
        frame = self._symbols.frame(pc)
        self._said[_key("frame", (pc,))] = frame and asdict(frame)
        return frame


class StoredSymbols:
    """Symbols that answer from a recording.

    Parameters
    ----------
    said : dict
        What a `Recorder` left.
    """

    def __init__(self, said: dict[str, Any]) -> None:
        self._said = said

    @property
    def undefined(self) -> frozenset[str]:
        """As `Symbols.undefined`."""
        return frozenset(self._said["undefined"])

    @property
    def has_thread_locals(self) -> bool:
        """As `Symbols.has_thread_locals`."""
        return bool(self._said["thread locals"])

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
