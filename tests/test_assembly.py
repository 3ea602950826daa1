"""What disassemblers show: the same bytes as objdump, and stored code that is still that of the functions printed."""

import json
import re
import subprocess

import cross
import pytest

from cmpx import Listing
from cmpx.assembly import RECORDING, disassemble, emitted
from cmpx.toolchain import NoCompilerError

MACHINES = ("i386", "arm64", "arm64 LSE", "arm64 any", "riscv64")
CAS = {
    "x86-64": "lock cmpxchg",
    "i386": "lock cmpxchg8b",
    "arm64": "stlxr",
    "arm64 LSE": "casal",
    "arm64 any": "__aarch64_cas8_acq_rel",
    "riscv64": "sc.d",
}

TWO = """\
#include <cmpx/listing.h>
#include <linux/atomic.h>
static unsigned long x;
PROCESS(plain) { x = x + 1; }
PROCESS(locked) { while (cmpxchg(&x, 0, 1)) cpu_relax(); }
FINALLY { EXPECT(x == 1, "one"); }
"""


def test_objdump_sees_the_same_bytes():
    listing = Listing(TWO)
    said = subprocess.run(["objdump", "-d", str(listing.build_native().path)], capture_output=True, text=True, check=True)
    for function in ("plain", "locked"):
        theirs = re.search(rf"<{function}_process>:\n((?:.+\n)+)", said.stdout)[1]
        codes = re.findall(r"^ *[0-9a-f]+:\t([0-9a-f ]+?) *(?:\t|$)", theirs, re.M)
        ours = " ".join(code for _offset, code, _text in disassemble(listing, function).instructions)
        # theirs goes on with what fills up to the next function
        assert " ".join(codes).startswith(ours)
        assert ours.endswith("c3")


def test_the_prefix_is_where_the_atomic_operation_is():
    plain, locked = (disassemble(Listing(TWO), function) for function in ("plain", "locked"))
    assert "lock" not in repr(plain)
    assert {code.split()[0] for _offset, code, text in locked.instructions if "cmpxchg" in text} == {"f0"}


def test_a_branch_names_an_offset_in_the_function():
    for shown in (disassemble(Listing(TWO), "locked"), emitted("found", "arm64"), emitted("found", "riscv64")):
        offsets = {offset for offset, _code, _text in shown.instructions}
        targets = [
            int(found[1], 16) for _o, _c, text in shown.instructions if (found := re.search(r"^[bj]\S* .*\b0x(\w+)$", text))
        ]
        assert targets
        assert offsets.issuperset(targets)


@pytest.mark.parametrize("machine", CAS)
def test_each_machine_has_its_own_way(machine):
    assert CAS[machine] in repr(emitted("found", machine))


def test_stored_code_is_that_of_the_functions_in_the_header():
    stored = json.loads(RECORDING.read_text())
    assert stored["source"] == cross.digest(), "run tools/cross.py"
    assert tuple(stored["machines"]) == MACHINES == tuple(cross.MACHINES)
    for machine in stored["machines"].values():
        assert list(machine["functions"]) == re.findall(r"^\w+ (\w+)\(", cross.HEADER.read_text(), re.M)


def test_what_is_not_there_is_named_with_what_is():
    with pytest.raises(ValueError, match="locked, plain"):
        disassemble(Listing(TWO), "nothing")
    with pytest.raises(ValueError, match="riscv64"):
        emitted("found", "vax")
    with pytest.raises(ValueError, match="swapped"):
        emitted("nothing", "arm64")


def test_without_a_compiler_it_says_so(monkeypatch):
    def none(*_args, **_options):
        raise NoCompilerError("no C compiler here")

    monkeypatch.setattr(Listing, "build_native", none)
    with pytest.raises(NoCompilerError):
        disassemble(Listing(TWO), "plain")
