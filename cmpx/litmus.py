"""A listing as a litmus test for the Linux kernel memory model, where it is small and straight enough to be one.

The format is that of tools/memory-model/Documentation/litmus-tests.txt in the kernel tree; herd7 reads it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

from cmpx.checking import KINDS, Reader
from cmpx.languages import _

if TYPE_CHECKING:
    from cmpx.listings import Listing

__all__ = ["translate"]

STATES = 4_000
ACCESSES = 24
OUTCOMES = 16
"""What herd7 and a reader's eye can take."""

_COMMENTS = re.compile(r"//[^\n]*|/\*.*?\*/", re.S)
_CONDITIONALS = re.compile(r"^[ \t]*#[ \t]*(?!define)\w+[^\n]*$", re.M)
_FINALLY = re.compile(r"\bFINALLY\s*\{([^{}]*)\}")
_EXPECT = re.compile(r'\s*EXPECT\((.*?),\s*"(?:[^"\\\n]|\\.)*"\s*\)\s*;\s*', re.S)
_BRANCH = re.compile(r"\b(?:if|else|for|while|do|switch|goto)\b|\?|&&|\|\|")
_CALL = re.compile(r"\b([A-Za-z_]\w*)\s*\(")
_DEFINED = re.compile(r"#[ \t]*define[ \t]+(\w+)\(|\b(\w+)\s*\([^;{}()]*\)\s*\{")
_ORDERS = r"(?:_relaxed|_acquire|_release)?"
_KNOWN = re.compile(
    r"READ_ONCE|WRITE_ONCE|smp_load_acquire|smp_store_release|smp_mb|smp_rmb|smp_wmb|barrier|PROCESS|ATOMIC_INIT"
    rf"|(?:atomic_)?(?:cmp)?xchg{_ORDERS}|atomic_fetch_(?:add|sub|inc|dec){_ORDERS}|atomic_(?:read|set)(?:_acquire|_release)?"
)
# 1 + the order, as machine.h numbers it
_SUFFIX = {1: "_relaxed", 3: "_acquire", 4: "_release", 6: ""}
_FENCE = {3: "smp_rmb()", 4: "smp_wmb()", 6: "smp_mb()"}

State = Mapping[str, Any]
Value = tuple[int, int]  # before and after


@dataclass(frozen=True)
class _Program:
    """Each process as the accesses it makes, and the values that each of them had in some interleaving."""

    accesses: list[list[dict[str, Any]]]
    values: dict[tuple[int, int], set[Value]]
    follows: dict[tuple[int, int], bool]


def translate(listing: Listing, optimise: int | str) -> str:
    """The litmus test.

    Parameters
    ----------
    listing : Listing
        Straight code of marked accesses to scalar globals; the processes keep what they read in globals of their own, of which
        FINALLY claims something.
    optimise : int or str
        As for `Listing.check`.

    Raises
    ------
    ValueError
        It is none of that; the message says what it is.
    """
    claims = _claims(listing.text)
    limits: dict[str, Any] = {"states": STATES, "seconds": 10.0, "deadline": 40}
    outcome, built = listing.run("check", optimise=optimise, memory="sc", graph=STATES, fences=1, **limits)
    if not outcome.answer.get("complete"):
        raise ValueError(_("it has more than {states:,} states").format(states=STATES))
    return _Writer(listing, outcome.answer, Reader(outcome.answer, built.symbols)).text(claims)


def _claims(text: str) -> list[str]:
    """The conditions that FINALLY expects, of a text that has nothing else a litmus test could not say."""
    code = _COMMENTS.sub(" ", text)
    found = _FINALLY.search(code)
    if found is None or _EXPECT.sub("", found[1]).strip() or code.count("EXPECT(") != found[1].count("EXPECT("):
        raise ValueError(_("its claims are not EXPECTs in FINALLY alone"))
    body = _CONDITIONALS.sub("", code[: found.start()] + code[found.end() :])
    if re.search(r"^INVARIANT\b", body, re.M):
        raise ValueError(_("its claims are not EXPECTs in FINALLY alone"))
    own = {name for names in _DEFINED.findall(body) for name in names}
    for call in _CALL.findall(body):
        if call not in own and not _KNOWN.fullmatch(call) and not _BRANCH.fullmatch(call):
            raise ValueError(_("it uses {name}()").format(name=call))
    branch = _BRANCH.search(body)
    if branch:
        raise ValueError(_("it branches: {word}").format(word=branch[0]))
    return _EXPECT.findall(found[1])


class _Writer:
    """One listing on its way from a state graph to a text."""

    def __init__(self, listing: Listing, answer: dict[str, Any], reader: Reader) -> None:
        self._listing = listing
        self._answer = answer
        self._reader = reader
        self._nodes: dict[int, State] = {node["number"]: node for node in answer["graph"]}
        self._program = self._walk()
        self._names = [[self._name(raw) for raw in process] for process in self._program.accesses]
        self._registers: dict[str, tuple[int, int]] = {}  # what keeps a value read: the process, and which of its reads
        self._constants: dict[str, int] = {}

    # -- what the processes do -----------------------------------------------------------------

    def _walk(self) -> _Program:
        """Every state once: each process must stand at the same access after as many steps, whatever the others did."""
        count = len(self._reader.processes)
        program = _Program([[] for _process in range(count)], {}, {})
        places = {0: (0,) * count}
        queue = [0]
        for number in queue:
            node = self._nodes[number]
            for process, target in node["edges"]:
                step = places[number][process]
                raw = node["threads"][process]
                known = program.accesses[process]
                if step == len(known):
                    known.append(raw)
                same = all(known[step][key] == raw[key] for key in ("kind", "pc", "at", "expected", "operand"))
                there = (*places[number][:process], step + 1, *places[number][process + 1 :])
                if not same or places.setdefault(target, there) != there or "threads" not in self._nodes[target]:
                    raise ValueError(_("what a process does depends on what it reads"))
                if target not in queue:
                    queue.append(target)
                before, after = (self._value(raw, self._nodes[state]) for state in (number, target))
                program.values.setdefault((process, step), set()).add((before, after))
                self._follow(program, process, step, before, target)
        return program

    def _follow(self, program: _Program, process: int, step: int, before: int, target: int) -> None:
        """Whether the next access always stores what this one has found."""
        for action, then in self._nodes[target]["edges"]:
            if action == process:
                stored = self._value(self._nodes[target]["threads"][process], self._nodes[then])
                key = process, step + 1
                program.follows[key] = program.follows.get(key, True) and stored == before

    def _value(self, raw: State, state: State) -> int:
        start = raw["at"] - self._answer["data"]
        size = min(raw["size"], 8)
        signed = self._reader.is_signed(raw)
        return int.from_bytes(bytes.fromhex(state["globals"])[max(start, 0) : max(start, 0) + size], "little", signed=signed)

    def _name(self, raw: State) -> str:
        if KINDS[raw["kind"]] == "fence":
            return ""
        name = self._reader.name(raw).removesuffix(".counter")
        if not name.isidentifier() or KINDS[raw["kind"]] in ("lock", "free"):
            raise ValueError(_("{name} is no scalar global").format(name=name))
        return name

    def _all(self) -> Iterator[tuple[int, int, str, dict[str, Any]]]:
        for process, accesses in enumerate(self._program.accesses):
            for step, raw in enumerate(accesses):
                yield process, step, self._names[process][step], raw

    def _sort_out(self) -> None:
        """Globals that only keep what was read, or say that something was done, are no shared memory."""
        written: dict[str, list[tuple[int, int]]] = {}
        shared = set()
        for process, step, name, raw in self._all():
            if KINDS[raw["kind"]] == "write" and not raw["marked"]:
                written.setdefault(name, []).append((process, step))
            else:
                shared.add(name)
        for name, places in written.items():
            values = self._program.values[places[0]]
            if name in shared or len(places) > 1:
                raise ValueError(_("it makes a plain access to {name}").format(name=name))
            process, step = places[0]
            if self._program.follows.get((process, step)) and len(values) > 1:
                self._registers[name] = process, step - 1
            elif len(values) == 1:
                self._constants[name] = next(iter(values))[1]
            else:
                raise ValueError(_("{name} is computed from what was read").format(name=name))

    # -- what it claims ------------------------------------------------------------------------

    def _candidates(self, name: str) -> set[int]:
        """The values that a name of a claim can come to have, were memory to keep no order between words."""
        if name in self._constants:
            return {self._constants[name]}
        process, step = self._registers.get(name, (-1, 0))
        word = self._names[process][step] if process >= 0 else name
        values, settled = set(), False
        for other, place, touched, raw in self._all():
            if touched != word:
                continue
            stored = {after for _before, after in self._program.values[other, place]}
            if other == process and place >= step:
                values |= {before for before, _after in self._program.values[other, place]} if place == step else set()
            elif KINDS[raw["kind"]] != "read":
                values |= stored
                settled |= KINDS[raw["kind"]] != "swap" and process in (-1, other)
        return values if settled else values | {self._initial()[word]}

    def _initial(self) -> dict[str, int]:
        return {name: self._value(raw, self._nodes[0]) for _process, _step, name, raw in self._all() if name}

    def _exists(self, claims: list[str]) -> str:
        """The outcomes that the claims forbid."""
        trees = [_parsed(claim) for claim in claims]
        names = list(dict.fromkeys(node.id for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Name)))
        given = {"true": 1, "false": 0} | {name: int(str(value), 0) for name, value in self._numbers()}
        initial = self._initial()
        unknown = [name for name in names if name not in given and name not in initial]
        if unknown:
            raise ValueError(_("a litmus test cannot say {name}").format(name=unknown[0]))
        free = [name for name in names if name not in given]
        choices = {name: sorted(self._candidates(name)) for name in free}
        failing = [
            dict(zip(free, values, strict=True))
            for values in product(*choices.values())
            if not all(_evaluated(tree, given | dict(zip(free, values, strict=True))) for tree in trees)
        ]
        if not 0 < len(failing) <= OUTCOMES:
            raise ValueError(_("its claims forbid {count} outcomes").format(count=len(failing)))
        shown = [name for name in free if len(choices[name]) > 1]
        outcomes = [" /\\ ".join(f"{self._place(name)}={outcome[name]}" for name in shown) for outcome in failing]
        return outcomes[0] if len(outcomes) == 1 else " \\/ ".join(f"({outcome})" for outcome in outcomes)

    def _numbers(self) -> Iterator[tuple[str, int | str]]:
        for name, value in self._listing.definitions.items():
            if re.fullmatch(r"-?\d+", str(value)):
                yield name, value

    def _place(self, name: str) -> str:
        if name not in self._registers:
            return name
        process, step = self._registers[name]
        return f"{process}:{self._register(process, step)}"

    def _register(self, process: int, step: int) -> str:
        kinds = [KINDS[raw["kind"]] for raw in self._program.accesses[process][:step]]
        return f"r{sum(kind in ('read', 'swap', 'modify') for kind in kinds)}"

    # -- the text ------------------------------------------------------------------------------

    def text(self, claims: list[str]) -> str:
        self._sort_out()
        kept = [one for one in self._all() if one[2] not in self._registers and one[2] not in self._constants]
        if len(kept) > ACCESSES:
            raise ValueError(_("it makes more than {count} accesses").format(count=ACCESSES))
        statements: dict[int, list[str]] = {process: [] for process in range(len(self._reader.processes))}
        for process, step, name, raw in kept:
            statements[process].append(self._statement(process, step, name, raw))
        atomics = {name for _process, _step, name, raw in kept if chr(raw["expected"]) in "+-" and raw["kind"] == 4}
        exists = self._exists(claims)
        names = ", ".join(f"P{number} is {name}" for number, name in enumerate(self._reader.processes))
        shared = {name for _process, _step, name, _raw in kept}
        start = [f"\t{name}={value};\n" for name, value in self._initial().items() if value and name in shared]
        parts = [f"C {self._listing.name}\n\n(* {names}. Written by cmpx from a listing; exists: what it forbids. *)\n"]
        parts.append("{\n" + "".join(start) + "}\n" if start else "{}\n")
        for process, lines in statements.items():
            words = dict.fromkeys(name for where, _step, name, _raw in kept if where == process and name)
            parameters = ", ".join(f"{'atomic_t' if name in atomics else 'int'} *{name}" for name in words)
            registers = [f"\tint {line.split()[0]};\n" for line in lines if re.match(r"r\d+ =", line)]
            declared = "".join(registers) + "\n" * bool(registers)
            parts.append(f"P{process}({parameters})\n{{\n{declared}" + "".join(f"\t{line};\n" for line in lines) + "}\n")
        return "\n".join([*parts, f"exists ({exists})\n"])

    def _statement(self, process: int, step: int, name: str, raw: State) -> str:
        kind, order = KINDS[raw["kind"]], raw["marked"]
        values = self._program.values[process, step]
        register = self._register(process, step)
        if kind == "fence":
            return _FENCE[order]
        if not order:
            raise ValueError(_("it makes a plain access to {name}").format(name=name))
        said = {
            ("read", 1): f"{register} = READ_ONCE(*{name})",
            ("read", 3): f"{register} = smp_load_acquire({name})",
            ("swap", order): f"{register} = cmpxchg{_SUFFIX.get(order)}({name}, {raw['expected']}, {raw['operand']})",
        }
        if kind == "write":
            if len({after for _before, after in values}) > 1:
                raise ValueError(_("{name} is computed from what was read").format(name=name))
            after = next(iter(values))[1]
            said["write", 1] = f"WRITE_ONCE(*{name}, {after})"
            said["write", 4] = f"smp_store_release({name}, {after})"
        if kind == "modify":
            call = {"=": "xchg", "+": "atomic_fetch_add", "-": "atomic_fetch_sub"}.get(chr(raw["expected"]))
            arguments = f"{name}, {raw['operand']}" if call == "xchg" else f"{raw['operand']}, {name}"
            said["modify", order if call else 0] = f"{register} = {call}{_SUFFIX.get(order)}({arguments})"
        if (kind, order) not in said or "None(" in said[kind, order]:
            raise ValueError(_("{name} is changed in a way that LKMM does not know").format(name=name))
        return said[kind, order]


def _parsed(claim: str) -> ast.expr:
    """A condition in C, as Python's tree; `!` binds as tightly there as Python's `~`."""
    python = re.sub(r"!(?!=)", "~", claim.replace("&&", " and ").replace("||", " or "))
    allowed = (
        ast.BoolOp, ast.And, ast.Or, ast.UnaryOp, ast.Invert, ast.USub, ast.Compare, ast.Eq, ast.NotEq, ast.Lt, ast.LtE,
        ast.Gt, ast.GtE, ast.BinOp, ast.Add, ast.Sub, ast.Name, ast.Load, ast.Constant,
    )  # fmt: skip
    try:
        tree = ast.parse(" ".join(python.split()), mode="eval").body
    except SyntaxError:
        tree = ast.expr()
    for node in ast.walk(tree):
        if "~" in claim or type(node) not in allowed or (isinstance(node, ast.Compare) and len(node.ops) > 1):
            raise ValueError(_("a litmus test cannot say {name}").format(name=claim))
    return tree


def _evaluated(node: ast.expr, names: Mapping[str, int]) -> int:
    match node:
        case ast.Constant(value):
            return int(str(value), 0) if not isinstance(value, bool) else value
        case ast.Name(name):
            return names[name]
        case ast.BoolOp(ast.And(), values):
            return all(_evaluated(value, names) for value in values)
        case ast.BoolOp(_, values):
            return any(_evaluated(value, names) for value in values)
        case ast.UnaryOp(ast.Invert(), operand):
            return not _evaluated(operand, names)
        case ast.UnaryOp(_, operand):
            return -_evaluated(operand, names)
        case ast.BinOp(left, operator, right):
            sign = 1 if isinstance(operator, ast.Add) else -1
            return _evaluated(left, names) + sign * _evaluated(right, names)
        case ast.Compare(left, [operator], [right]):
            a, b = _evaluated(left, names), _evaluated(right, names)
            said = {ast.Eq: a == b, ast.NotEq: a != b, ast.Lt: a < b, ast.LtE: a <= b, ast.Gt: a > b, ast.GtE: a >= b}
            return said[type(operator)]
    raise AssertionError(node)
