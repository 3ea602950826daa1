"""The book's listings: the verdicts that their headers promise, at every level, and what they refuse."""

import csv
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from cmpx.listings import Listing
from cmpx.listings import listing as bundled

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "csrc" / "listings"
NAMES = sorted(path.stem for path in FOLDER.glob("*.c"))
REQUIRED = """
    counter_cas counter_plain counter_try hoisted_flag independent iriw lb mcs_on_stack mp peterson pi_post_block
    pi_post_block_split_load pi_post_block_stale pi_post_block_store pi_pre_block pi_pre_block_split_load pi_pre_block_stale
    pi_pre_block_store sb spinlock_cas two_bitfields
"""
LITMUS = ["iriw", "lb", "mp", "n6", "sb", "two_writes"]
_EXPECT = re.compile(r"^ \* Expect((?: [A-Z]+=\w+)*): (.+)$", re.M)
_CLAIM = re.compile(r"(sc|tso) (holds|fails \(([^)]+)\))(?:, |$)")
_PROCESS = re.compile(r"^(PROCESS\(\w+\)\n\{\n).*?^\}\n", re.M | re.S)


@dataclass(frozen=True)
class Expectation:
    """One claim of a header: under these macros and this memory, it holds, or fails with this message alone."""

    name: str
    macros: tuple[tuple[str, str], ...]
    memory: str
    message: str

    @property
    def status(self) -> str:
        return "fails" if self.message else "holds"

    def __str__(self) -> str:
        return " ".join([self.name, *("=".join(macro) for macro in self.macros), self.memory])


def text_of(name: str) -> str:
    return (FOLDER / f"{name}.c").read_text(encoding="utf-8")


def expectations(name: str) -> list[Expectation]:
    found = []
    for macros, claims in _EXPECT.findall(text_of(name)):
        assert _CLAIM.sub("", claims) == "", f"{name}: no claim: {claims}"
        pairs = tuple(tuple(macro.split("=")) for macro in macros.split())
        found += [Expectation(name, pairs, memory, message) for memory, _, message in _CLAIM.findall(claims)]
    return found


EXPECTATIONS = [expectation for name in NAMES for expectation in expectations(name)]
EXCEPTIONS = {
    (row["listing"], row["compiler"], row["level"]): row["status"]
    for row in csv.DictReader((ROOT / "tests" / "levels.csv").open(encoding="utf-8", newline=""))
}


def messages(verdict) -> set[str]:
    return {re.sub(r"^\S+:\d+: (.*) \(.*\)$", r"\1", finding.message) for finding in verdict.findings}


def test_all_are_there():
    assert set(REQUIRED.split()) <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_listing_is_a_page_that_says_what_it_claims(name):
    text = text_of(name)
    assert len(text.splitlines()) <= 82
    assert max(len(line.expandtabs(8)) for line in text.splitlines()) <= 100
    assert re.search(r"^ \* Property", text, re.M)
    assert re.search(r"^ \* (Effect:|Property and effect:)", text, re.M)
    assert {"sc", "tso"} <= {claim.memory for claim in expectations(name) if not claim.macros}


@pytest.mark.parametrize("name", LITMUS)
def test_a_litmus_test_names_where_its_tso_verdict_is_published(name):
    source = re.search(r"^ \* Source: (.+?)^ \* Expect", text_of(name), re.M | re.S)
    assert source
    assert "Sewell et al., " in source[1]
    assert "CACM 53(7),\n * 2010" in source[1] or "CACM 53(7), 2010" in source[1]


@pytest.mark.parametrize("claim", EXPECTATIONS, ids=str)
def test_header_tells_the_verdict(claim):
    verdict = bundled(claim.name, **dict(claim.macros)).check(claim.memory)
    assert verdict.status == claim.status, str(verdict)
    assert messages(verdict) == ({claim.message} if claim.message else set())
    assert (verdict.bad_interleavings == 0) == (claim.status == "holds")


@pytest.mark.parametrize("level", "012")
@pytest.mark.parametrize("compiler", ["gcc", "clang"])
@pytest.mark.parametrize("name", NAMES)
def test_compilers_and_levels_agree(name, compiler, level):
    assert shutil.which(compiler), f"{compiler} is missing: this test needs gcc and clang"
    exception = EXCEPTIONS.get((name, compiler, level))
    for claim in expectations(name):
        verdict = bundled(name, **dict(claim.macros)).check(claim.memory, optimise=level, compiler=(compiler,))
        assert verdict.status == (exception or claim.status), f"{claim}\n{verdict}"
        if not exception:
            assert messages(verdict) == ({claim.message} if claim.message else set())


def test_every_exception_is_one():
    claimed = {(claim.name, claim.status) for claim in EXPECTATIONS}
    for (name, _, _), status in EXCEPTIONS.items():
        assert (name, status) not in claimed


def emptied(text: str, which: int | None) -> str:
    """The text with the body of one process, or of all, taken out."""
    count = iter(range(text.count("PROCESS(")))
    return _PROCESS.sub(lambda match: match[1] + "}\n" if which in (None, next(count)) else match[0], text)


@pytest.mark.parametrize("name", NAMES)
def test_doing_nothing_fails(name):
    text = text_of(name)
    count = len(_PROCESS.findall(text))
    assert count >= 2
    for which in [None, *range(count)]:
        idle = emptied(text, which)
        assert idle != text
        defined = {"CPUS": str(count)} if "CPUS" in text else {}
        assert Listing(idle, name=name, **defined).check().status == "fails", f"process {which} of {name} is not needed"


@pytest.mark.parametrize(("name", "size", "runs", "bad"), [
    ("pi_post_block", 1, 6, 0),
    ("pi_post_block", 4, 27_348, 0),
    ("pi_post_block", 5, 400_224, 0),
    ("pi_post_block_store", 5, 184_756, 5_172),
])  # fmt: skip
def test_interleavings_of_updates_and_posts(name, size, runs, bad):
    verdict = bundled(name, UPDATES=size, POSTS=size).check()
    assert (verdict.interleavings, verdict.bad_interleavings) == (runs, bad)


def test_independent_processes_count_as_the_binomial():
    assert bundled("independent").check().interleavings == 20  # C(6, 3)
