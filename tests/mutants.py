"""Mutants of the right listings: each a bug of a known kind, put in by rule. Run it to see them all with what check() says.

An operator rewrites one place of one listing. None of its applications leaves the meaning alone; where one would, a rule
below says so and leaves it out. So check() has to find every mutant.
"""

import heapq
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cmpx.listings import Listing

TESTS = Path(__file__).parent
LISTINGS = TESTS.parent / "csrc" / "listings"
STATES = 100_000


@dataclass(frozen=True)
class Right:
    """A listing that holds: its text, its macros, the memory model under which it is checked and mutated."""

    name: str
    text: str
    macros: tuple[tuple[str, int], ...] = ()
    memory: str = "sc"

    def check(self, text: str | None = None):
        return self.listing(text).check(self.memory)

    def listing(self, text: str | None = None) -> Listing:
        return Listing(text or self.text, name=self.name, **dict(self.macros))


@dataclass(frozen=True)
class Mutant:
    """One listing with one bug."""

    right: Right
    operator: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.right.name}:{self.line} {self.operator}"

    def listing(self) -> Listing:
        return self.right.listing(self.text)


def rights() -> Iterator[Right]:
    """The listings that are mutated."""
    loop = (LISTINGS / "pi_desc_loop.h").read_text()
    bundled = [
        ("counter_cas", {"TURNS": 2}, "sc"), ("counter_try", {"TURNS": 2}, "sc"), ("spinlock_cas", {}, "sc"),
        ("mcs_on_stack", {}, "sc"), ("peterson", {}, "sc"), ("sb", {}, "sc"), ("lb", {}, "sc"), ("mp", {}, "sc"),
        ("iriw", {}, "sc"), ("peterson", {"BARRIERS": 1}, "tso"), ("sb", {"BARRIERS": 1}, "tso"),
        ("pi_post_block", {"UPDATES": 2, "POSTS": 2}, "sc"), ("pi_post_block_try", {"UPDATES": 2, "POSTS": 2}, "sc"),
        ("pi_pre_block", {}, "sc"),
    ]  # fmt: skip
    for name, macros, memory in bundled:
        text = (LISTINGS / f"{name}.c").read_text().replace('#include "pi_desc_loop.h"\n', loop)
        yield Right(name, text, tuple(macros.items()), memory)
    for folder in ("pasted", "subjects"):
        for path in sorted((TESTS / folder).glob("*.c")):
            yield Right(path.stem, path.read_text())


# -- exchanges -----------------------------------------------------------------------------------

# (old, new) are evaluated once, as by the originals; TRIES counts the failures of one call
_TRY = {
    "store instead of the exchange": "WRITE_ONCE(*P(p), m_new), true",
    "result ignored": "try_cmpxchg(P(p), (o), m_new), true",
    "exchange torn in two": "__typeof__(m_new) m_seen = READ_ONCE(*P(p)); bool m_same = m_seen == *(o);"
    " if (m_same) WRITE_ONCE(*P(p), m_new); else *(o) = m_seen; m_same",
    "stale new value tried again": "try_cmpxchg(P(p), (o), m_new) || try_cmpxchg(P(p), (o), m_new)",
    "expected value read anew": "*(o) = READ_ONCE(*P(p)); try_cmpxchg(P(p), (o), m_new)",
    "second failure taken for success": "try_cmpxchg(P(p), (o), m_new) || ++m_tries == 2",
    "second failure tried again with a stale new value":
        "try_cmpxchg(P(p), (o), m_new) || (++m_tries == 2 && try_cmpxchg(P(p), (o), m_new))",
}  # fmt: skip
_SWAP = {
    "store instead of the exchange": "WRITE_ONCE(*P(p), m_new), m_old",
    "result ignored": "cmpxchg(P(p), m_old, m_new), m_old",
    "exchange torn in two":
        "__typeof__(m_new) m_seen = READ_ONCE(*P(p)); if (m_seen == m_old) WRITE_ONCE(*P(p), m_new); m_seen",
    "stale new value tried again": "__typeof__(m_new) m_seen = cmpxchg(P(p), m_old, m_new);"
    " m_seen == m_old || cmpxchg(P(p), m_seen, m_new) == m_seen ? m_old : m_seen",
    "expected value read anew": "__typeof__(m_new) m_now = READ_ONCE(*P(p)), m_seen = cmpxchg(P(p), m_now, m_new);"
    " m_seen == m_now ? m_old : m_seen",
    "second failure taken for success":
        "__typeof__(m_new) m_seen = cmpxchg(P(p), m_old, m_new); m_seen != m_old && ++m_tries == 2 ? m_old : m_seen",
    "second failure tried again with a stale new value": "__typeof__(m_new) m_seen = cmpxchg(P(p), m_old, m_new);"
    " m_seen != m_old && ++m_tries == 2 && cmpxchg(P(p), m_seen, m_new) == m_seen ? m_old : m_seen",
}  # fmt: skip
_LATE = ("second failure taken for success", "second failure tried again with a stale new value")
# whose loops can fail twice, because at least two updates compete with theirs
_CONTENDED = ("counter_cas", "counter_try", "fields", "saturate", "push", "gets", "maximum", "give_and_take")
_EXCHANGE = re.compile(r"\b(atomic_|raw_atomic_|atomic_long_)?(try_)?cmpxchg(64)?(_acquire|_release|_relaxed)?\(")
_OTHER = {
    "xchg": ("xchg(p, n)", "__typeof__(*(p)) m_seen = READ_ONCE(*(p)); WRITE_ONCE(*(p), (n)); m_seen"),
    "xchg_acquire": ("xchg_acquire(p, n)", "__typeof__(*(p)) m_seen = READ_ONCE(*(p)); WRITE_ONCE(*(p), (n)); m_seen"),
    "test_and_set_bit_lock": ("test_and_set_bit_lock(n, p)", "bool m_seen = test_bit(n, p); __set_bit(n, p); m_seen"),
    "atomic_fetch_inc": ("atomic_fetch_inc(v)", "int m_seen = atomic_read(v); atomic_set(v, m_seen + 1); m_seen"),
    "atomic_dec_return": ("atomic_dec_return(v)", "int m_seen = atomic_read(v); atomic_set(v, m_seen - 1); m_seen - 1"),
    "atomic_dec_and_test": ("atomic_dec_and_test(v)", "int m_seen = atomic_read(v); atomic_set(v, m_seen - 1); m_seen == 1"),
    "atomic_inc": ("atomic_inc(v)", "atomic_set(v, atomic_read(v) + 1)"),
    "atomic_sub_return_release":
        ("atomic_sub_return_release(n, v)", "int m_seen = atomic_read(v); atomic_set(v, m_seen - (n)); m_seen - (n)"),
}  # fmt: skip
_ATOMIC = re.compile(r"\b(" + "|".join(_OTHER) + r")\(")
_INCLUDES = re.compile(r"(?:^#include [^\n]*\n)+", re.M)


def _with_macro(text: str, definition: str) -> str:
    """The text with a macro behind its last include, on the line of that include: no line number changes."""
    last = list(_INCLUDES.finditer(text))[-1]
    return f"{text[: last.end() - 1]}\n{definition}\n#line {text.count(chr(10), 0, last.end()) + 1}\n{text[last.end() :]}"


def _code(text: str) -> str:
    """Comments and macro definitions blanked, lengths kept: nothing in them is mutated."""
    return re.sub(r"/\*.*?\*/|^#(?:[^\n]*\\\n)*[^\n]*", lambda match: re.sub(r"[^\n]", " ", match[0]), text, flags=re.S | re.M)


def _sites(right: Right, pattern: re.Pattern[str]) -> Iterator[re.Match[str]]:
    """Where a pattern stands in code that the listing runs, the parts that stand for others left alone."""
    code = _code(right.text)
    inside = re.search(r"/\* text \*/.*?/\* end of text \*/", right.text, re.S)
    for match in pattern.finditer(code):
        function = re.findall(r"^\w[^\n;]*?(\w+)\(.*\)\n\{", code[: match.start()], re.M)[-1]
        if right.name.startswith("pi_p") and "pi_harvest" in right.text:
            used = {"pi_post_block": "pi_update", "pi_post_block_try": "pi_update_try", "pi_pre_block": "pi_update iommu_post"}
            if function not in used[right.name].split():
                continue
        elif inside and not inside.start() < match.start() < inside.end():
            continue
        yield match


def exchanges(right: Right) -> Iterator[Mutant]:
    """Each cmpxchg and try_cmpxchg, with each of its bugs."""
    for site in _sites(right, _EXCHANGE):
        word = "m_counter" if site[1] else ""
        for operator, body in (_TRY if site[2] else _SWAP).items():
            late = operator in _LATE
            if late and right.name not in _CONTENDED:
                continue
            name = "MUTANT(p, o, n)"
            where = "&(p)->counter" if word else "(p)"
            evaluated = f"__typeof__(*P(p)) m_new = (n){'' if site[2] else ', m_old = (o)'};"
            macro = f"#define P(p) ({where})\n#define {name} ({{ {evaluated} {body}; }})"
            text = right.text[: site.start()] + "MUTANT(" + right.text[site.end() :]
            if late:
                start = text.rindex("\n{\n", 0, site.start()) + 2
                text = text[:start] + " int m_tries = 0;" + text[start:]
            yield Mutant(right, operator, _line(right.text, site.start()), _with_macro(text, macro))


def other_atomics(right: Right) -> Iterator[Mutant]:
    """Each other atomic read-modify-write as a read and a write."""
    for site in _sites(right, _ATOMIC):
        head, body = _OTHER[site[1]]
        macro = f"#define MUTANT{head[len(site[1]) :]} ({{ {body}; }})"
        text = right.text[: site.start()] + "MUTANT(" + right.text[site.end() :]
        yield Mutant(right, "read-modify-write torn in two", _line(right.text, site.start()), _with_macro(text, macro))


# -- statements ----------------------------------------------------------------------------------

_ACCESS = r"\t[^\n]*(?:READ|WRITE)_ONCE\([^\n]*\);\n"
_PAIR = re.compile(rf"^({_ACCESS})(\t(?:fence|acquire|release)\(\);\n)?(?={_ACCESS})", re.M)
_RELEASE = re.compile(
    r"^(\t[\w(][^\n]*;\n)(?=\t(?:drop\(.*\)|smp_store_release\(&(?:lock|wants)[^\n]*\)|mcs_unlock\(&me\));\n)", re.M
)
_TAKE = re.compile(r"^\t(?:take\(.*\)|mcs_lock\(&me\)|spin_lock\([^\n]*\));\n", re.M)
_WAIT = re.compile(r"^\twhile \([^\n]*\)\n\t\tcpu_relax\(\);\n", re.M)
_FENCE = re.compile(r"^\tfence\(\);\n", re.M)


def _line(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1


def _next_line(text: str, position: int) -> int:
    return text.index("\n", position) + 1


def order(right: Right) -> Iterator[Mutant]:
    """Two accesses whose order matters, swapped: those of the litmus listings, and a release with what stands before it."""
    for pattern, operator in ((_PAIR, "accesses swapped"), (_RELEASE, "lock dropped one statement early")):
        if pattern is _PAIR and (right.name not in ("sb", "lb", "mp", "iriw", "peterson") or right.memory == "tso"):
            continue
        for site in _sites(right, pattern):
            end = _next_line(right.text, site.end())
            text = right.text[: site.start()] + right.text[site.end() : end] + (site[2] if pattern is _PAIR and site[2] else "")
            yield Mutant(right, operator, _line(right.text, site.start()), text + site[1] + right.text[end:])


def left_out(right: Right) -> Iterator[Mutant]:
    """A lock not taken, a wait not waited, a barrier not there."""
    patterns = [(_TAKE, "lock not taken"), (_WAIT, "wait left out")]
    if right.memory == "tso":
        patterns.append((_FENCE, "barrier left out"))
    for pattern, operator in patterns:
        for site in _sites(right, pattern):
            blank = "\n" * site[0].count("\n")
            yield Mutant(
                right, operator, _line(right.text, site.start()), right.text[: site.start()] + blank + right.text[site.end() :]
            )


def mutants() -> list[Mutant]:
    """All, by rule."""
    return [mutant for right in rights() for kind in (exchanges, other_atomics, order, left_out) for mutant in kind(right)]


# -- how hard they are to find -------------------------------------------------------------------


def preemptions(mutant: Mutant) -> int:
    """How often a process must be left that could go on, at least, until the run can only fail: over all failing runs."""
    outcome, _ = mutant.listing().run(
        "check", memory=mutant.right.memory, optimise=0, graph=STATES, states=STATES, seconds=60, deadline=90
    )
    nodes = {node["number"]: node for node in outcome.answer["graph"]}
    best = {(0, -1): 0}
    queue = [(0, 0, -1)]
    while queue:
        cost, number, last = heapq.heappop(queue)
        node = nodes[number]
        if "finding" in node or not node["can"] & 3:
            return cost
        if best[number, last] < cost:
            continue
        going = any(action == last for action, _ in node["edges"])
        for action, target in node["edges"]:
            thread = action if action < 8 else last  # a store that leaves its buffer is nobody's turn
            spent = cost + (going and thread != last)
            if spent < best.get((target, thread), 1 << 30):
                best[target, thread] = spent
                heapq.heappush(queue, (spent, target, thread))
    raise AssertionError(f"{mutant}: no failing run in its graph")


def main() -> None:
    for mutant in mutants():
        verdict = mutant.listing().check(mutant.right.memory)
        if verdict.status == "fails":
            print(f"{preemptions(mutant)}  {mutant}: {verdict.findings[0].message}")
        else:
            print(f"-  {mutant}: {verdict.status}")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
