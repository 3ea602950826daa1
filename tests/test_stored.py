"""Without a compiler: what was recorded, labelled; and what was not, refused."""

import subprocess
import sys
from pathlib import Path

import pytest

from cmpx import stored, toolchain
from cmpx.languages import language
from cmpx.listings import Listing, listing

ASK = """
import sys
from pathlib import Path
from cmpx import listing, stored
stored.FOLDER = Path(sys.argv[1])
x = listing("counter_plain")
v = x.check()
str(v), str(x.replay(v.counterexample.schedule)), v.count(4)
str(listing("sb").check("tso")), str(listing("pi_post_block").call("cpu_process"))
"""


@pytest.fixture
def recorded(tmp_path, monkeypatch):
    """Some answers, recorded by a process that has a compiler; here there is none from now on."""
    environment = {"CMPX_RECORD": "1", "CMPX_LANGUAGE": "en", "PATH": "/usr/bin:/bin", "HOME": str(Path.home())}
    subprocess.run([sys.executable, "-c", ASK, tmp_path], check=True, env=environment, cwd=Path(__file__).parent.parent)
    real = listing("counter_plain").check(), listing("sb").check("tso"), listing("pi_post_block").call("cpu_process")
    monkeypatch.setattr(stored, "FOLDER", tmp_path)
    monkeypatch.setattr(toolchain, "find_compilers", lambda: ())
    toolchain.compiler.cache_clear()
    yield real
    toolchain.compiler.cache_clear()


def test_what_was_recorded_is_shown_and_labelled(recorded):
    verdict, tso, call = recorded
    text = listing("counter_plain")
    again = text.check()
    assert (again.findings, again.races) == (verdict.findings, verdict.races)
    assert (again.status, again.interleavings, again.bad_interleavings) == ("fails", 6, 4)
    assert again.count(4) == 6
    assert "stored result, no compiler here" in str(again)
    trace = text.replay(again.counterexample.schedule)
    assert trace == without_return(verdict)
    assert "stored result" in str(trace)
    assert listing("sb").check("tso").findings == tso.findings
    stored_call = listing("pi_post_block").call("cpu_process")
    assert (stored_call.before, stored_call.after) == (call.before, call.after)
    assert "stored result" in repr(stored_call)


def without_return(verdict):
    """The trace as a replay tells it, which does not know the graph."""
    trace = verdict.counterexample
    return type(trace)(trace.steps, None, trace.end)


def test_a_recording_speaks_both_languages(recorded):
    before = language()
    try:
        language("zh")
        said = str(listing("counter_plain").check())
        assert "存储的结果" in said
        assert "读 x" in said
    finally:
        language(before)


def test_what_was_not_recorded_says_what_is_missing(recorded):
    with pytest.raises(toolchain.NoCompilerError, match="install gcc or clang"):
        Listing("#include <cmpx/listing.h>\nPROCESS(a) { }").check()
    with pytest.raises(toolchain.NoCompilerError):
        listing("counter_plain", TURNS=2).check()
