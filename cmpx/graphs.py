"""The state graph of a listing in the compact form that a stepper carries with it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from cmpx.checking import KINDS, Finding, Reader
from cmpx.fields import FIELDS
from cmpx.frames import locals_of
from cmpx.languages import both
from cmpx.listings import Listing
from cmpx.symbols import Symbols, Variable

__all__ = ["Graph", "graph"]

STATES = 2_000
BYTES = 200_000
"""What a page can carry; of a larger graph it gets the failing runs and what lies around them."""

_COLOURS = {field.name: field.colour for field in FIELDS}


@dataclass(frozen=True)
class Graph:
    """What a stepper shows, and what its text twin says.

    Parameters
    ----------
    data : dict
        Ready for JSON: see ``widgets/stepper.js``, which alone reads it.
    findings : tuple of Finding
        As a check finds them.
    run : str
        The schedule of a shortest run to a good end; empty if there is none.
    """

    data: dict[str, Any]
    findings: tuple[Finding, ...]
    run: str


def graph(listing: Listing, memory: str, optimise: int | str, states: int, seconds: float) -> Graph:
    """Explore a listing and keep its graph, or the part of it that matters most.

    Parameters
    ----------
    listing : Listing
        What to explore.
    memory, optimise, states, seconds
        As for `Listing.check`.
    """
    limits: dict[str, Any] = {"states": states, "seconds": seconds, "deadline": int(seconds) + 30}
    outcome, built = listing.run("check", memory=memory, optimise=optimise, graph=STATES, **limits)
    answer = outcome.answer
    if "graph" not in answer:
        raise RuntimeError(outcome.death or str(outcome.status))
    reader = Reader(answer, built.symbols, built.label)
    count = STATES
    while True:
        data = _Pack(listing, answer, built.symbols, memory, count).data(built.title)
        size = len(json.dumps(data, separators=(",", ":"), ensure_ascii=False).encode())
        if size <= BYTES or count < 10:
            break
        count = min(count, len(data["nodes"])) * BYTES // size * 9 // 10
    return Graph(data, reader.findings(), _good_run(answer, reader.processes))


def _good_run(answer: Mapping[str, Any], processes: tuple[str, ...]) -> str:
    """A shortest run to an end without a finding."""
    nodes = {node["number"]: node for node in answer["graph"]}
    ways: dict[int, tuple[int, int] | None] = {0: None}
    queue = [0]
    for number in queue:
        node = nodes[number]
        if not node["edges"] and "finding" not in node and node["can"] & 1:
            words: list[str] = []
            way = ways[number]
            while way:
                words.append(processes[way[1] % 8] + "~" * (way[1] >= 8))
                way = ways[way[0]]
            return " ".join(words[::-1])
        for action, target in node["edges"]:
            if target in nodes and target not in ways:
                ways[target] = (number, action)
                queue.append(target)
    return ""


class _Table:
    """Things that come up again and again, each kept once and called by its number."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self.rows: list[Any] = []

    def __call__(self, row: Any) -> int:
        key = json.dumps(row)
        if key not in self._numbers:
            self._numbers[key] = len(self.rows)
            self.rows.append(row)
        return self._numbers[key]


class _Pack:
    """One graph on its way from addresses to places, names and lines."""

    def __init__(self, listing: Listing, answer: dict[str, Any], symbols: Symbols, memory: str, count: int) -> None:
        self._listing = listing
        self._answer = answer
        self._symbols = symbols
        self._memory = memory
        self._nodes: list[dict[str, Any]] = answer["graph"][:count]
        self._reader = Reader(answer, symbols)
        self._base: int = answer["base"]
        self._accesses, self._shapes, self._threads, self._memories = _Table(), _Table(), _Table(), _Table()
        self._files: dict[str, set[int]] = {}
        size = max((len(node["globals"]) // 2 for node in self._nodes if "globals" in node), default=0)
        self._globals = range(answer["data"], answer["data"] + size)
        self._locals = self._read_locals()
        self._ranges = self._touched()

    def _all_threads(self) -> Iterator[dict[str, Any]]:
        for node in self._nodes:
            yield from node.get("threads", ())

    def _read_locals(self) -> dict[int, list[Variable]]:
        """The locals of each process in each state: numbers and pointers, of a struct those that are ever used."""
        known: dict[tuple[int, int, str], tuple[Variable, ...]] = {}
        found = {}
        for thread in self._all_threads():
            key = thread.get("stands", thread["pc"]), thread["sp"], thread["bytes"]
            if key not in known:
                known[key] = locals_of(thread, self._base, self._symbols)
            found[id(thread)] = known[key]
        for node in self._nodes:
            for number, thread in enumerate(node.get("threads", ())):
                self._reader.learn(number, found[id(thread)])
        used = {
            local.name
            for thread in self._all_threads()
            for local in found[id(thread)]
            if local.kind != "bytes" and int(_slice(thread, local.offset - thread["sp"], local.size), 16)
        }
        return {number: self._shown(variables, used) for number, variables in found.items()}

    @staticmethod
    def _shown(variables: tuple[Variable, ...], used: set[str]) -> list[Variable]:
        numbers = [v for v in variables if v.kind != "bytes"]
        spans = [(v.offset, v.offset + v.size) for v in numbers if v.name in used or v.name.isidentifier()]
        return [v for v in numbers if any(low <= v.offset and v.offset + v.size <= high for low, high in spans)]

    # -- memory --------------------------------------------------------------------------------

    def _touched(self) -> list[tuple[int, int]]:
        """The stretches of memory that matter, in order: what a process touches and what is shown with it."""
        spans = {
            (place["at"], place["at"] + place["size"])
            for thread in self._all_threads()
            for place in (thread, *thread["buffer"])
            if KINDS[place["kind"]] not in ("nothing", "fence", "free") and self._known(place)
        }
        spans |= {(self._base + v.offset, self._base + v.offset + v.size) for v in self._variables(spans)}
        merged: list[tuple[int, int]] = []
        for start, end in sorted(spans):
            if merged and start <= merged[-1][1]:
                merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
            else:
                merged.append((start, end))
        return merged

    def _known(self, place: Mapping[str, Any]) -> bool:
        inside = self._globals.start <= place["at"] and place["at"] + place["size"] <= self._globals.stop
        return inside or "block" in place or "stack" in place

    @cached_property
    def _changing(self) -> set[int]:
        """The addresses of the bytes of globals that differ from state to state."""
        contents = {node["globals"] for node in self._nodes if "globals" in node}
        data: int = self._answer["data"]
        columns = zip(*(bytes.fromhex(content) for content in contents), strict=True)
        return {data + place for place, values in enumerate(columns) if len(set(values)) > 1}

    def _changes(self, word: Mapping[str, Any]) -> bool:
        start = self._base + word["offset"]
        return any(byte in self._changing for byte in range(start, start + word["size"]))

    def _variables(self, spans: set[tuple[int, int]]) -> list[Variable]:
        """The globals to show: numbers and pointers that somebody touches or that change, and the words around them."""
        numbers = [v for v in self._symbols.variables if v.kind != "bytes"]
        touched = self._changing | {byte for start, end in spans for byte in range(start, end)}
        extents = [
            (v.offset, v.offset + v.size)
            for v in numbers
            if any(self._base + place in touched for place in range(v.offset, v.offset + v.size))
        ]
        return [v for v in numbers if any(start <= v.offset and v.offset + v.size <= end for start, end in extents)]

    def _place(self, address: int) -> int:
        """Where a byte lies in the packed memory; -1 if it is not there."""
        before = 0
        for start, end in self._ranges:
            if start <= address < end:
                return before + address - start
            before += end - start
        return -1

    def _bytes(self, node: Mapping[str, Any]) -> str:
        regions = [(self._answer["data"], node["globals"]), (self._answer["arena"], node["heap"])]
        regions += [(thread["sp"], thread["bytes"]) for thread in node["threads"]]
        packed = bytearray()
        for start, end in self._ranges:
            piece = bytearray(end - start)
            for at, content in regions:
                low, high = max(start, at), min(end, at + len(content) // 2)
                if low < high:
                    piece[low - start : high - start] = bytes.fromhex(content[2 * (low - at) : 2 * (high - at)])
            packed += piece
        return packed.hex()

    def _words(self) -> list[dict[str, Any]]:
        """What the memory panel shows, line by line."""
        named = {access[1] for access in self._accesses.rows}
        words = [
            word | {"at": self._place(self._base + word["offset"])}
            for word in grouped([_tuple(v) for v in self._variables(set(self._ranges))])
            if word["name"] in named or self._changes(word)
        ]
        others = {
            (place["at"], place["size"]): self._reader.name(place)
            for thread in self._all_threads()
            for place in (thread, *thread["buffer"])
            if ("block" in place or "stack" in place) and place["size"] and KINDS[place["kind"]] != "free"
        }
        for (address, size), name in sorted(others.items()):
            if self._place(address) >= 0:
                words.append({"name": name, "at": self._place(address), "size": min(size, 8), "kind": "unsigned", "parts": []})
        for word in words:
            word.pop("offset", None)
        return words

    # -- processes -----------------------------------------------------------------------------

    def _access(self, raw: Mapping[str, Any]) -> int:
        kind = KINDS[raw["kind"]]
        if kind == "nothing":
            return self._accesses([kind, "", -1, 0, 0, 0, "", 0, "0", "0"])
        line = self._symbols.line(raw["pc"])
        file = Path(line.file).name
        self._files.setdefault(line.file, set()).add(line.line)
        mask = (1 << 8 * min(raw["size"], 8)) - 1
        known = kind not in ("fence", "free") and self._known(raw)
        place = self._place(raw["at"]) if known else -1
        name = "" if kind == "fence" else self._reader.name(raw)
        expected, operand = (f"{raw[key] & mask:x}" if kind == "swap" else "0" for key in ("expected", "operand"))
        return self._accesses(
            [kind, name, place, min(raw["size"], 8), int(raw["marked"] > 0), raw["hidden"], file, line.line, expected, operand]
        )

    def _thread(self, raw: Mapping[str, Any]) -> int:
        found = [local for local in self._locals[id(raw)] if self._place(local.offset) < 0]
        shape = self._shapes(grouped([_tuple(v, raw["sp"]) for v in found]))
        values = [_slice(raw, word["offset"], word["size"]) for word in self._shapes.rows[shape]]
        buffer = [[self._access(store), f"{store['operand']:x}"] for store in raw["buffer"]]
        return self._threads([self._access(raw), shape, values, buffer])

    def _pointers(self, data: Mapping[str, Any]) -> dict[str, str]:
        """What the addresses among the values point to."""
        values = {value for thread in data["threads"] for value in thread[2]}
        values |= {thread[3][i][1].rjust(16, "0") for thread in data["threads"] for i in range(len(thread[3]))}
        values |= {text.rjust(16, "0") for access in data["accesses"] for text in access[8:]}
        for memory in data["memories"]:
            for word in data["words"]:
                if word["size"] == 8:
                    values.add(bytes.fromhex(memory[2 * word["at"] : 2 * word["at"] + 16])[::-1].hex())
        names = {}
        for text in values:
            if len(text) == 16:
                name = self._symbols.name(int(text, 16) - self._base, 1) if int(text, 16) > self._base else ""
                name = name or self._reader.whole(int(text, 16)) or self._on_heap(int(text, 16))
                if name:
                    names[text.lstrip("0")] = f"&{name}"
        return names

    def _on_heap(self, address: int) -> str:
        for thread in self._all_threads():
            if "block" in thread:
                number, offset = thread["block"]
                if thread["at"] - offset == address:
                    return f"heap[{number}]"
        return ""

    # -- all of it -----------------------------------------------------------------------------

    def data(self, title: str) -> dict[str, Any]:
        """Everything, ready for JSON."""
        answer = self._answer
        place = {node["number"]: index for index, node in enumerate(self._nodes)}
        nodes = []
        for node in self._nodes:
            edges = [[action, place.get(target, -1)] for action, target in node["edges"]]
            state = [self._memories(self._bytes(node)), *map(self._thread, node["threads"])] if "threads" in node else []
            nodes.append([state, node["can"], node.get("finding", -1), edges])
        data: dict[str, Any] = {
            "listing": self._listing.name,
            "build": title,
            "memory": self._memory,
            "processes": self._reader.processes,
            "states": answer["states"],
            "whole": answer["complete"] and "interleavings" in answer,
            "interleavings": _number(answer.get("interleavings")),
            "bad": _number(answer.get("bad")),
            "findings": [self._finding(raw) for raw in answer["findings"]],
            "words": self._words(),
            "memories": self._memories.rows,
            "accesses": self._accesses.rows,
            "shapes": [[{k: v for k, v in word.items() if k != "offset"} for word in shape] for shape in self._shapes.rows],
            "threads": self._threads.rows,
            "nodes": nodes,
        }
        data["files"] = self._sources()
        data["pointers"] = self._pointers(data)
        return data

    def _finding(self, raw: dict[str, Any]) -> list[Any]:
        return [self._reader.finding(raw)[0], both(lambda: self._reader.finding(raw)[1])]

    def _sources(self) -> list[dict[str, Any]]:
        """The functions of other files that processes are in, then the listing, each with its line numbers."""
        sources = []
        for file, lines in self._files.items():
            name = Path(file).name
            if name == self._listing.name or not Path(file).is_file():
                continue
            text = Path(file).read_text("utf-8").splitlines()
            shown = sorted({number for line in lines for number in _around(text, line)})
            sources.append({"name": name, "lines": [[number, _plain(text[number - 1])] for number in shown]})
        text = self._listing.text.splitlines()
        first = _beginning(text)
        numbered = [[number + self._listing.first_line, _plain(line)] for number, line in enumerate(text) if number >= first]
        return [*sources, {"name": self._listing.name, "lines": numbered}]


def grouped(variables: list[tuple[str, int, int, str, int, int]]) -> list[dict[str, Any]]:
    """Words, and what lies inside each as its parts: a union of a word and its fields is one line."""
    whole = [v for v in variables if not v[5]]
    words: list[dict[str, Any]] = []
    spans: list[tuple[int, int]] = []
    for name, offset, size, kind, _first, _bits in sorted(whole, key=lambda v: (v[1], -v[2])):
        if spans and offset + size <= spans[-1][1]:
            continue
        spans.append((offset, offset + size))
        words.append({"name": name, "offset": offset, "size": size, "kind": kind, "parts": []})
    for name, offset, size, kind, first, bits in variables:
        home = next((i for i, (low, high) in enumerate(spans) if low <= offset and offset + size <= high), None)
        last = name.rpartition(".")[2]
        if home is None:
            if bits:
                words.append(
                    {"name": name, "offset": offset, "size": size, "kind": kind, "bit": first, "bits": bits, "parts": []}
                )
            continue
        word = words[home]
        if name == word["name"] or (not bits and (offset, size) == (word["offset"], word["size"])):
            continue
        if last.startswith(("rsvd", "reserved", "_")):
            continue
        part = {"name": last, "bit": 8 * (offset - word["offset"]) + first, "bits": bits or 8 * size}
        if last in _COLOURS:
            part["colour"] = _COLOURS[last]
        word["parts"].append(part)
    return words


def _tuple(variable: Variable, start: int = 0) -> tuple[str, int, int, str, int, int]:
    return (
        variable.name, variable.offset - start, variable.size, variable.kind, variable.first_bit, variable.bits,
    )  # fmt: skip


def _slice(raw: Mapping[str, Any], offset: int, size: int) -> str:
    return bytes.fromhex(raw["bytes"][2 * offset : 2 * (offset + size)])[::-1].hex()


def _number(text: str | None) -> str:
    return "" if text is None else "∞" if text == "inf" else f"{int(text, 16):,}"


def _plain(line: str) -> str:
    """A line as the book prints it."""
    return line.replace("static __always_inline ", "").expandtabs(8)


def _around(text: list[str], line: int) -> range:
    """The lines, counted from 1, of the function that a line stands in."""
    starts = [number for number, content in enumerate(text, 1) if re.match(r"[A-Za-z_].*[(,]", content)]
    ends = [number for number, content in enumerate(text, 1) if content.startswith("}")]
    start = max((number for number in starts if number <= line), default=line)
    while start > 1 and re.match(r"[A-Za-z_]", text[start - 2]):
        start -= 1
    return range(start, min((number for number in ends if number >= line), default=line) + 1)


def _beginning(text: list[str]) -> int:
    """The first line, counted from 0, after opening comments and preprocessor lines: they say how it ends."""
    comment = False
    for number, line in enumerate(text):
        bare = line.strip()
        if comment or bare.startswith("/*"):
            comment = "*/" not in bare
        elif bare and not bare.startswith(("#", "//")):
            return number
    return 0
