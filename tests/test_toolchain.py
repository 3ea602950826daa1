"""The extra ``zig``: a C compiler from a package, for a machine that has no other."""

import sys
from importlib.util import find_spec

import pytest

from cmpx import Listing, listing, toolchain

ZIG = (sys.executable, "-m", "ziglang", "cc")
COPIES = """#include <cmpx/listing.h>
#include <linux/limits.h>
static struct big { long words[40]; } x, y;
static int top = INT_MAX;
PROCESS(a) { x = y; top++; }
PROCESS(b) { struct big z = { { 1 } }; y = z; }
FINALLY { EXPECT(!x.words[0], "copied after"); }
"""


@pytest.fixture(params=[ZIG] if find_spec("ziglang") else [])
def only_zig(monkeypatch):
    """Nothing else: it builds what runs listings, too."""
    monkeypatch.setattr(toolchain, "find_compilers", lambda: (ZIG,))
    toolchain.compiler.cache_clear()
    yield
    toolchain.compiler.cache_clear()


@pytest.mark.usefixtures("only_zig", "two_cpus")
@pytest.mark.parametrize("level", [0, 2])
def test_zig_alone_does_all_of_it(level):
    verdict = listing("pi_post_block").check(optimise=level)
    assert (verdict.status, verdict.interleavings) == ("holds", 27_348)
    assert listing("pi_post_block_store").check("tso", optimise=level).status == "fails"
    assert listing("mcs_on_stack", CPUS=3).check(optimise=level).status == "holds"
    assert {finding.message for finding in Listing(COPIES).check(optimise=level).findings} == {
        "listing:7: copied after (!x.words[0])"
    }
    assert Listing(COPIES).race(rounds=100, optimise=level).stopped == ""
    assert listing("counter_cas").race(rounds=500, optimise=level).failing == 0
    assert listing("pi_post_block").call("cpu_process").changed["pi.nv"] == (0xF1, 0xF2)
