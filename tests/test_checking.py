"""Verdicts and traces as a reader gets them: text, both languages, schedules, files."""

import json

import pytest

from cmpx import listing
from cmpx.languages import language
from cmpx.listings import Listing


@pytest.fixture(autouse=True)
def english():
    before = language()
    language("en")
    yield
    language(before)


def test_a_trace_reads_as_a_story():
    text = listing("counter_plain")
    lines = [number for number, line in enumerate(text.text.splitlines(), 1) if line.strip() == "x = x + 1;"]
    said = str(text.check())
    assert said.startswith("counter_plain: fails\n  sequential consistency · ")
    assert "interleavings: 6, of which bad: 4" in said
    assert "point of no return: from here every continuation fails" in said
    assert f"counter_plain:{lines[0]}  reads x: 0" in said
    assert f"counter_plain:{lines[1]}  writes x: 1 → 1" in said


def test_the_same_in_chinese():
    language("zh")
    said = str(listing("counter_plain").check())
    assert said.startswith("counter_plain: 不成立\n  顺序一致性 · ")
    assert "交错：6 种，其中坏的：4 种" in said
    assert "读 x：0" in said


def test_tso_says_what_it_does_not_say():
    assert "this says nothing of arm64" in str(listing("sb").check("tso"))


def test_a_schedule_with_drains_replays():
    text = listing("sb")
    verdict = text.check("tso")
    trace = verdict.counterexample
    again = text.replay(trace.schedule, "tso")
    assert again.steps == trace.steps
    assert {step.kind for step in trace.steps} >= {"read", "write", "drain"}
    assert "~" in trace.schedule


def test_export_writes_text_and_json(tmp_path):
    verdict = listing("counter_plain").check()
    text, data = verdict.export(tmp_path)
    assert text.read_text(encoding="utf-8") == f"{verdict}\n"
    trace = json.loads(data.read_text(encoding="utf-8"))
    assert trace["schedule"] == verdict.counterexample.schedule
    assert [step["name"] for step in trace["steps"]] == ["x"] * 4
    with pytest.raises(ValueError, match="no counterexample"):
        listing("counter_cas").check().export(tmp_path)


@pytest.mark.parametrize(
    ("schedule", "message"),
    [
        ("a c", "'c' is no step of this listing; its processes are a, b"),
        ("a;b", "'a;b' is no step"),
        ("a*", r"'a\*' is no step"),
        ("a*0", r"'a\*0' is no step"),
    ],
)
def test_a_schedule_that_names_nobody_is_refused(schedule, message):
    with pytest.raises(ValueError, match=message):
        listing("counter_plain").replay(schedule)


def test_a_replay_stops_where_no_step_is_possible():
    assert len(listing("counter_plain").replay("a*9").steps) == 2


def test_names_of_every_kind():
    text = """
        #include <cmpx/listing.h>
        #include <linux/slab.h>
        static struct { int n; struct { short first; signed char second[3]; } in; } s;
        static int *p, *q;
        static long *block;
        static bool yes;
        INIT { block = kzalloc(16, GFP_KERNEL); }
        PROCESS(a) { s.in.second[1] = -3; p = &s.n; q = p; yes = true; block[1] = 7; }
    """
    steps = Listing(text).replay("a*9").steps
    assert [(step.name, step.words) for step in steps] == [
        ("s.in.second[1]", "writes s.in.second[1]: 0 → -3"),
        ("p", "writes p: 0 → &s.n"),
        ("p", "reads p: &s.n"),
        ("q", "writes q: 0 → &s.n"),
        ("yes", "writes yes: 0 → 1"),
        ("block", "reads block: &heap[0]"),
        ("heap[0]+8", "writes heap[0]+8: 0 → 7"),
    ]


def test_call_runs_one_function_alone():
    text = Listing(
        "#include <cmpx/listing.h>\nstatic int x, y;\nINIT { x = 40; }\n"
        "static int add(int n, int m) { x += n; y = m; return x; }\nPROCESS(a) { add(1, 2); }"
    )
    call = text.call("add", 2, -1)
    assert call.result & 0xFFFFFFFF == 42
    assert call.changed == {"x": (40, 42), "y": (0, 0xFFFFFFFF)}
    with pytest.raises(ValueError, match="no function 'sub' here; there are a_process, add"):
        text.call("sub")
    with pytest.raises(ValueError, match="at most six"):
        text.call("add", *range(7))


def test_macros_are_in_capitals_and_plain():
    for definitions in ({"updates": 3}, {"N": "1; x = 2"}, {"N": ""}):
        with pytest.raises(ValueError, match="a macro is in capitals"):
            listing("counter_plain", **definitions)
    with pytest.raises(ValueError, match="there is no listing 'nothing'; there are counter_cas"):
        listing("nothing")
    with pytest.raises(ValueError, match="no memory model 'arm'"):
        listing("sb").check("arm")


def test_the_cell_magic_makes_a_listing_with_the_cells_own_lines():
    from IPython.core.interactiveshell import InteractiveShell

    from cmpx.listings import _register_magic

    shell = InteractiveShell.instance()
    try:
        _register_magic()
        cell = '#include <cmpx/listing.h>\nstatic int x;\nPROCESS(a) { x = STEPS; }\nFINALLY { EXPECT(!x, "set"); }\n'
        shell.run_cell_magic("listing", "mine STEPS=3", cell)
        mine = shell.user_ns["mine"]
        assert (mine.name, mine.definitions) == ("mine", {"STEPS": "3"})
        assert mine.check().findings[0].message == "mine:5: set (!x)"
        assert mine.check().counterexample.steps[0].words == "writes x: 0 → 3"
    finally:
        InteractiveShell.clear_instance()
