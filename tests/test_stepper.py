"""The graph that a stepper carries, against replays and verdicts; its text and its page."""

import json
import math
import random
import re
from functools import cache

import pytest

import cmpx
from cmpx.graphs import BYTES, STATES, graph
from cmpx.languages import both, on_change
from cmpx.listings import Listing, listing
from cmpx.widgets import Stepper

PROGRAMS = [
    ("counter_plain", {}, "sc"),
    ("counter_cas", {}, "sc"),
    ("pi_post_block", {"UPDATES": 2, "POSTS": 2}, "sc"),
    ("pi_post_block_store", {"UPDATES": 2, "POSTS": 2}, "sc"),
    ("two_bitfields", {}, "sc"),
    ("mcs_on_stack", {}, "sc"),
    ("sb", {}, "tso"),
    ("two_bitfields", {}, "tso"),
]


@cache
def packed(name, definitions, memory):
    program = listing(name, **dict(definitions))
    return program, graph(program, memory, 0, 200_000, 20.0)


def peek(data, node, access, thread):
    """What the page shows at a place, to a process with a store buffer of its own."""
    _kind, _name, at, size, *_rest = access
    state = data["nodes"][node][0]
    seen = bytearray(bytes.fromhex(data["memories"][state[0]])[at : at + size])
    for store, operand in data["threads"][state[1 + thread]][3] if thread is not None else ():
        _kind, _name, start, length, *_rest = data["accesses"][store]
        for byte, value in enumerate(int(operand, 16).to_bytes(8, "little")[:length]):
            if 0 <= start + byte - at < size:
                seen[start + byte - at] = value
    return int.from_bytes(seen, "little")


def walk(data, seed):
    """A run by chance: its schedule, and the value before and after each step."""
    chance, node, words, values = random.Random(seed), 0, [], []
    while data["nodes"][node][3] and data["nodes"][node][2] < 0 and len(words) < 200:
        action, target = chance.choice(data["nodes"][node][3])
        thread, drains = action % 8, action >= 8
        record = data["threads"][data["nodes"][node][0][1 + thread]]
        access = data["accesses"][record[3][0][0] if drains else record[0]]
        view = None if drains else thread
        if access[2] >= 0:
            values.append((access[3], peek(data, node, access, view), peek(data, target, access, view)))
        else:
            values.append(None)
        words.append(data["processes"][thread] + "~" * drains)
        node = target
    return " ".join(words), values, data["nodes"][node]


@pytest.mark.parametrize(("name", "definitions", "memory"), PROGRAMS)
def test_runs_through_the_graph_are_what_the_machine_does(name, definitions, memory):
    program, carried = packed(name, tuple(definitions.items()), memory)
    for seed in range(10):
        schedule, values, (_state, _can, finding, _edges) = walk(carried.data, seed)
        trace = program.replay(schedule, memory)
        assert len(trace.steps) == len(values)
        for step, value in zip(trace.steps, values, strict=True):
            if value is not None and step.kind != "drain":
                assert (step.size, step.before, step.after) == value
            elif value is not None:
                assert step.after == value[2]
        assert bool(trace.end) == (finding >= 0)
        if finding >= 0:
            assert carried.data["findings"][finding][1]["en"] == trace.end


@pytest.mark.parametrize(("name", "definitions", "memory"), PROGRAMS)
def test_graph_has_as_many_runs_as_the_verdict(name, definitions, memory):
    program, carried = packed(name, tuple(definitions.items()), memory)
    nodes = carried.data["nodes"]
    verdict = program.check(memory)
    assert len(nodes) == carried.data["states"] == verdict.states

    @cache
    def runs(node, bad):
        _state, _can, finding, edges = nodes[node]
        if finding >= 0 or not edges:
            return int(finding >= 0 or not bad)
        return sum(runs(target, bad) for _action, target in edges)

    assert verdict.interleavings == math.inf or (runs(0, False), runs(0, True)) == (
        verdict.interleavings,
        verdict.bad_interleavings,
    )


def test_locals_have_their_names_and_values():
    _program, carried = packed("pi_post_block_store", (("UPDATES", 2), ("POSTS", 2)), "sc")
    data = carried.data
    shapes = {tuple(word["name"] for word in shape) for shape in data["shapes"]}
    assert shapes == {("new.control", "dest"), ("vector",), ()}
    parts = {word["name"]: [part["name"] for part in word["parts"]] for shape in data["shapes"] for word in shape}
    assert parts["new.control"] == ["on", "sn", "nv", "ndst"]
    read = data["nodes"][0][3][0][1]
    _access, shape, values, _buffer = data["threads"][data["nodes"][read][0][1]]
    assert dict(zip((word["name"] for word in data["shapes"][shape]), values, strict=True)) == {
        "new.control": "0000000100f20000",
        "dest": "00000001",
    }


@pytest.mark.parametrize("compiler", [("gcc",), ("clang",)])
def test_locals_of_callers_and_of_either_compiler(compiler):
    from cmpx.frames import locals_of

    outcome, built = listing("counter_cas").run("check", compiler=compiler, memory="sc", states=1000, seconds=9, graph=1000)
    names = {
        tuple(v.name for v in locals_of(thread, outcome.answer["base"], built.symbols))
        for node in outcome.answer["graph"]
        for thread in node["threads"]
        if thread["kind"]
    }
    assert names == {("turn", "old")}


def test_optimised_code_still_steps():
    carried = graph(listing("counter_cas"), "sc", 2, 1000, 9.0)
    assert carried.data["nodes"]
    assert "a" in carried.run


def test_large_graph_keeps_its_failing_runs():
    program = listing("pi_post_block_store", UPDATES=20, POSTS=20)
    carried = graph(program, "sc", 0, 200_000, 20.0)
    data = carried.data
    assert len(data["nodes"]) == STATES < data["states"]
    assert len(json.dumps(data, separators=(",", ":"))) <= BYTES
    node = 0
    for step in program.check().counterexample.steps:
        node = dict(map(tuple, data["nodes"][node][3]))[data["processes"].index(step.thread)]
        assert node >= 0
    assert data["nodes"][node][2] == 0


CRASH = """
#include <linux/compiler.h>
#include <cmpx/listing.h>
static int *p;
PROCESS(a) { WRITE_ONCE(*READ_ONCE(p), 1); }
PROCESS(b) { static int x; WRITE_ONCE(p, &x); }
/* </script><script>alert(1)</script> */
"""


def test_step_that_crashes_is_an_end():
    data = graph(Listing(CRASH, name="crash"), "sc", 0, 1000, 9.0).data
    ends = [node for node in data["nodes"] if node[2] >= 0]
    assert [(state, edges) for state, _can, _finding, edges in ends] == [([], [])]
    assert data["findings"][0][0] == "null pointer"


def test_text_is_a_trace_in_the_readers_language():
    stepper = listing("pi_post_block_store", UPDATES=1, POSTS=1).step()
    assert isinstance(stepper, Stepper)
    assert stepper.trace.schedule == "cpu iommu*2 cpu"
    before = cmpx.language()
    try:
        cmpx.language("en")
        text = repr(stepper)
        assert text.startswith("Step through pi_post_block_store: cpu, iommu\n")
        assert text.endswith(str(stepper.trace))
    finally:
        cmpx.language(before)
    held = listing("pi_post_block", UPDATES=1, POSTS=1).step()
    assert not held.trace.end
    assert held.trace.steps
    chosen = listing("pi_post_block", UPDATES=1, POSTS=1).step(schedule="cpu iommu")
    assert chosen.trace.schedule == "cpu iommu"


def test_page_is_whole_and_nothing_in_it_ends_its_script():
    page = Listing(CRASH, name="crash").step()._repr_html_()
    assert page.count("<script") == page.count("</script>") == 1
    assert not re.search(r"""(?:src|href)=|@import|url\(""", page)


def test_both_languages_and_nobody_told():
    told = []

    def hear(name):
        told.append(name)

    on_change(hear)
    before = cmpx.language()
    assert both(cmpx.language) == {"en": "en", "zh": "zh"}
    assert cmpx.language() == before
    assert told == []
    with pytest.raises(ZeroDivisionError):
        both(lambda: str(1 // 0))
    assert cmpx.language() == before


def test_size_is_one_of_two():
    with pytest.raises(ValueError, match="'huge'"):
        Stepper(listing("counter_plain"), size="huge")


def test_what_is_only_freed_whole_has_no_line_of_its_own():
    text = """#include <cmpx/listing.h>
    #include <linux/compiler.h>
    #include <linux/slab.h>
    static struct { int count; int data; } *p;
    INIT { p = kmalloc(sizeof(*p), GFP_KERNEL); }
    PROCESS(a) { WRITE_ONCE(p->count, 1); kfree(p); }
    PROCESS(b) { }
    """
    names = [word["name"] for word in graph(Listing(text), "sc", 0, 200_000, 20.0).data["words"]]
    assert names.count("heap[0]") == 1
