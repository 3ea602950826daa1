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
    assert said.startswith("counter_plain：不成立\n  顺序一致性 · ")
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
    export = verdict.export(tmp_path)
    text, data = export.files
    assert str(export) == f"{text}\n{data}\nno litmus test: it branches: for"
    assert text.read_text(encoding="utf-8") == f"{verdict}\n"
    trace = json.loads(data.read_text(encoding="utf-8"))
    assert trace["schedule"] == verdict.counterexample.schedule
    assert [step["name"] for step in trace["steps"]] == ["x"] * 4
    with pytest.raises(ValueError, match="no counterexample"):
        listing("counter_cas").check().export(tmp_path)


SB = r"""C sb

(* P0 is a, P1 is b. Written by cmpx from a listing; exists: what it forbids. *)

{}

P0(int *x, int *y)
{
	int r0;

	WRITE_ONCE(*x, 1);
	r0 = READ_ONCE(*y);
}

P1(int *y, int *x)
{
	int r0;

	WRITE_ONCE(*y, 1);
	r0 = READ_ONCE(*x);
}

exists (0:r0=0 /\ 1:r0=0)
"""
MP = r"""C mp

(* P0 is writer, P1 is reader. Written by cmpx from a listing; exists: what it forbids. *)

{}

P0(int *data, int *flag)
{
	WRITE_ONCE(*data, 1);
	smp_wmb();
	WRITE_ONCE(*flag, 1);
}

P1(int *flag, int *data)
{
	int r0;
	int r1;

	r0 = READ_ONCE(*flag);
	smp_rmb();
	r1 = READ_ONCE(*data);
}

exists (1:r0=1 /\ 1:r1=0)
"""
ATOMICS = r"""C listing

(* P0 is a, P1 is b. Written by cmpx from a listing; exists: what it forbids. *)

{
	n=2;
	x=5;
}

P0(atomic_t *n, int *x)
{
	int r0;
	int r1;

	r0 = atomic_fetch_add_relaxed(3, n);
	r1 = cmpxchg_acquire(x, 5, 6);
}

P1(int *x, atomic_t *n)
{
	int r0;
	int r1;

	r0 = xchg(x, 7);
	smp_store_release(x, 8);
	r1 = atomic_fetch_add(1, n);
}

exists (0:r1=7 /\ 0:r0=2 /\ x=8)
"""


@pytest.mark.parametrize(("name", "macros", "expected"), [("sb", {}, SB), ("mp", {"BARRIERS": 1}, MP)])
def test_a_litmus_listing_is_written_for_herd7(tmp_path, name, macros, expected):
    """In the form of the kernel's tools/memory-model/Documentation/litmus-tests.txt; herd7 itself is not run here."""
    export = listing(name, **macros).check("tso").export(tmp_path)
    assert (tmp_path / f"{name}.litmus").read_text(encoding="utf-8") == expected
    assert export.no_litmus == ""


STRAIGHT = """
#include <cmpx/listing.h>
#include <linux/atomic.h>
#include <linux/slab.h>
static atomic_t n = ATOMIC_INIT(2);
static int x = 5, u, v, *p;
"""


def test_atomics_and_first_values_are_written_for_herd7(tmp_path):
    text = """
        PROCESS(a) { u = atomic_fetch_add_relaxed(3, &n); v = cmpxchg_acquire(&x, 5, 6); }
        PROCESS(b) { xchg(&x, 7); smp_store_release(&x, 8); atomic_fetch_inc(&n); }
        FINALLY { EXPECT(v != 7 || !(u == 2 && x == 8), "all at once"); }
    """
    Listing(STRAIGHT + text).check().export(tmp_path)
    assert (tmp_path / "listing.litmus").read_text(encoding="utf-8") == ATOMICS


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ('INIT { p = kzalloc(4, 0); } PROCESS(a) { WRITE_ONCE(*p, 1); } FINALLY { EXPECT(*p, "m"); }', "it uses kzalloc()"),
        ('PROCESS(a) { if (READ_ONCE(x)) WRITE_ONCE(v, 1); } FINALLY { EXPECT(v, "m"); }', "it branches: if"),
        ('PROCESS(a) { x = 1; } PROCESS(b) { u = READ_ONCE(x); } FINALLY { EXPECT(u, "m"); }', "a plain access to x"),
        (
            'PROCESS(a) { WRITE_ONCE(x, 1); } PROCESS(b) { u = READ_ONCE(x) + 1; } FINALLY { EXPECT(u != 6, "m"); }',
            "u is computed from what was read",
        ),
        (
            'PROCESS(a) { WRITE_ONCE(x, 1); } PROCESS(b) { WRITE_ONCE(v, READ_ONCE(x)); } FINALLY { EXPECT(v, "m"); }',
            "v is computed from what was read",
        ),
        ('PROCESS(a) { EXPECT(READ_ONCE(x), "m"); } FINALLY { EXPECT(x, "m"); }', "not EXPECTs in FINALLY alone"),
    ],
)  # fmt: skip
def test_what_is_no_litmus_test_is_told_why(tmp_path, body, why):
    verdict = Listing(STRAIGHT + body).check()
    try:
        said = str(verdict.export(tmp_path))
    except ValueError as error:
        said = str(error)
    assert "no litmus test: " in said
    assert why in said
    assert not list(tmp_path.glob("*.litmus"))


def test_the_locals_of_another_process_have_their_names():
    steps = listing("mcs_on_stack").replay("a b*3 a*3").steps
    assert "b: me.next" in [step.name for step in steps]
    assert any(step.words.endswith("&b: me → &a: me") for step in steps)
    assert not any("stack" in step.words for step in steps)


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
        assert mine.using(STEPS=4).check().counterexample.steps[0].words == "writes x: 0 → 4"
        assert mine.using(OTHER=1).check().findings[0].message == "mine:5: set (!x)"
        assert mine.definitions == {"STEPS": "3"}
    finally:
        InteractiveShell.clear_instance()
