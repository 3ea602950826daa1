"""The machine and the state graph, held against counts known otherwise."""

import math
import random
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from math import factorial, prod
from pathlib import Path

import pytest
from enumerator import Program, generate, runs

from cmpx.listings import Listing, listing

PROGRAMS = 500


def facts(program: Program) -> tuple[int, int, set[tuple[int, int]], str]:
    """Interleavings, bad ones, final states and verdict as the machine has them."""
    text = Listing(program.text)
    answer = text.run("check", states=10**6, seconds=60, graph=10**6)[0].answer
    symbols = text.build().symbols
    start = answer["data"] - answer["base"]
    where = {v.name: v.offset - start for v in symbols.variables}
    ends = set()
    for state in answer["graph"]:
        if not state["edges"]:
            memory = bytes.fromhex(state["globals"])
            ends.add(tuple(int.from_bytes(memory[where[word] : where[word] + 4], "little") for word in ("x", "y")))
    verdict = "fails" if answer["findings"] else "holds"
    return int(answer["interleavings"], 16), int(answer["bad"], 16), ends, verdict


def expected(program: Program) -> tuple[int, int, set[tuple[int, int]], str]:
    ends = list(runs(program.processes))
    bad = sum(x + 3 * y == program.wrong for x, y in ends)
    return len(ends), bad, set(ends), "fails" if bad else "holds"


def test_generated_programs_are_as_the_naive_enumerator_finds_them():
    programs = [generate(seed) for seed in range(PROGRAMS)]
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(facts, programs))
        turned = list(pool.map(facts, [program.reordered() for program in programs]))
    wanted = [expected(program) for program in programs]
    assert found == wanted
    assert turned == wanted
    assert {verdict for *_, verdict in wanted} == {"holds", "fails"}


@pytest.mark.parametrize(
    ("name", "turns", "total", "bad"),
    [
        ("pi_post_block", 4, 27_348, 0),
        ("pi_post_block", 5, 400_224, 0),
        ("pi_post_block_store", 5, math.comb(20, 10), 5_172),
    ],
)
def test_pi_desc_counts(name, turns, total, bad):
    verdict = listing(name, UPDATES=turns, POSTS=turns).check()
    assert (verdict.interleavings, verdict.bad_interleavings) == (total, bad)
    assert verdict.status == ("fails" if bad else "holds")


def writers(*lengths: int) -> Listing:
    lines = ["#include <cmpx/listing.h>", f"static int shared[{len(lengths)}];"]
    for number, length in enumerate(lengths):
        lines.append(f"PROCESS(p{number}) {{ for (int i = 0; i < {length}; i++) shared[{number}] = i; }}")
    return Listing("\n".join(lines))


@pytest.mark.parametrize("lengths", [(1,), (3, 3), (5, 4, 3), (2, 2, 2, 2), (1,) * 8, (60, 60), (40, 40, 40)])
def test_independent_threads_give_the_multinomial(lengths):
    verdict = writers(*lengths).check()
    assert verdict.status == "holds"
    assert verdict.interleavings == factorial(sum(lengths)) // prod(map(factorial, lengths))


SPIN = """
#include <cmpx/listing.h>
#include <linux/atomic.h>
static int flag;
PROCESS(waiter) { while (!READ_ONCE(flag)) cpu_relax(); }
PROCESS(setter) { %s }
"""


def test_a_spin_loop_makes_the_count_infinite_and_steps_make_it_finite():
    verdict = Listing(SPIN % "WRITE_ONCE(flag, 1);").check()
    assert (verdict.status, verdict.interleavings, verdict.bad_interleavings) == ("holds", math.inf, 0)
    # the setter's one step, after 0, 1, 2 … reads of the waiter's, which then reads once more
    assert [verdict.count(steps) for steps in (1, 2, 3, 10)] == [0, 1, 2, 9]


def test_waiting_for_nobody_is_a_livelock_and_starving_is_not():
    verdict = Listing(SPIN % "WRITE_ONCE(flag, 0);").check()
    assert [finding.kind for finding in verdict.findings] == ["livelock"]
    assert verdict.counterexample.no_return == 0
    fair = Listing(SPIN % "for (int i = 0; i < 3; i++) READ_ONCE(flag); WRITE_ONCE(flag, 1);").check()
    assert fair.status == "holds"


def test_a_big_program_is_bounded_and_says_so():
    verdict = writers(40, 40, 40).check(states=5_000)
    assert (verdict.status, verdict.interleavings, verdict.findings) == ("bounded", None, ())
    with pytest.raises(ValueError, match="only a check that saw everything can count"):
        verdict.count(3)


@pytest.mark.parametrize("name", ["pi_post_block_store", "counter_plain", "two_bitfields", "pi_pre_block_store"])
@pytest.mark.parametrize("memory", ["sc", "tso"])
def test_each_counterexample_replays_to_the_same_line(name, memory):
    text = listing(name)
    trace = text.check(memory).counterexample
    again = text.replay(trace.schedule, memory)
    assert (again.steps, again.end) == (trace.steps, trace.end)
    assert trace.end


def test_the_point_of_no_return_is_where_the_last_good_run_is_lost():
    text = listing("counter_plain")
    trace = text.check().counterexample
    # both have read 0: the first store already cannot save the count, nor could the other order
    assert trace.schedule in ("a b*2 a", "b a*2 b", "a b a b", "a b a*1 b", "a*1 b*2 a")
    assert trace.no_return == 2


def test_a_failed_cas_names_who_changed_the_value():
    steps = listing("counter_cas").replay("a b*2 a").steps
    assert [step.succeeded for step in steps] == [True, True, True, False]
    assert steps[-1].blame == ("b", 3)
    assert "b changed it in step 3" in steps[-1].words


def bad_runs() -> Iterator[tuple[str, str, str]]:
    headers = ("cmpx/listing.h", "linux/kernel.h", "linux/slab.h", "linux/spinlock.h")
    head = "".join(f"#include <{header}>\n" for header in headers) + "static int x, y;\n"
    yield "expect", head + 'PROCESS(a) { x = 1; EXPECT(!y, "y is set"); }\nPROCESS(b) { y = 1; }', "y is set"
    yield "warn", head + "PROCESS(a) { x++; }\nPROCESS(b) { WARN_ON(x); }", "WARN: x"
    yield "expect", head + 'PROCESS(a) { x = 1; y = 1; }\nINVARIANT { EXPECT(x == y, "apart"); }', "apart"
    yield "null pointer", head + "PROCESS(a) { *(volatile int *)NULL = 1; }", "null pointer"
    yield "null pointer", head + "PROCESS(a) { int *p = x ? &x : NULL; *p = 1; }", "null pointer"
    yield "wild access", head + "PROCESS(a) { *(volatile long *)0x123456789000 = 1; }", "8 bytes at 0x123456789000"
    yield (
        "stack overflow",
        head + "static int deep(int n) { volatile char b[512]; b[0] = n; return deep(n + 1) + b[0]; }\n"
        "PROCESS(a) { x = deep(0); }",
        "64 KiB",
    )
    yield "endless loop", head + "PROCESS(a) { for (;;) barrier(); }", "does not end"
    yield "livelock", head + "PROCESS(a) { for (;;) READ_ONCE(x); }", "livelock"
    yield "crash", head + "PROCESS(a) { x = 100 / y; }", "SIGFPE"
    yield "crash", head + "PROCESS(a) { __builtin_trap(); }", "SIGILL"
    yield (
        "use after free",
        head + "static int *p;\nINIT { p = kzalloc(4, GFP_KERNEL); }\nPROCESS(a) { kfree(p); }\nPROCESS(b) { x = *p; }",
        "heap[0]",
    )
    yield (
        "double free",
        head + "static int *p;\nINIT { p = kzalloc(4, GFP_KERNEL); }\nPROCESS(a) { kfree(p); }\nPROCESS(b) { kfree(p); }",
        "freed twice",
    )
    yield "bad free", head + "PROCESS(a) { kfree(&x); }", "kfree of x"
    yield "no memory", head + "PROCESS(a) { kmalloc(10ul << 30, GFP_KERNEL); }", "10,737,418,240 bytes"
    yield (
        "deadlock",
        head + "static DEFINE_SPINLOCK(l);\nstatic DEFINE_SPINLOCK(m);\n"
        "PROCESS(a) { spin_lock(&l); spin_lock(&m); spin_unlock(&m); spin_unlock(&l); }\n"
        "PROCESS(b) { spin_lock(&m); spin_lock(&l); spin_unlock(&l); spin_unlock(&m); }",
        "deadlock",
    )


@pytest.mark.parametrize(("kind", "text", "message"), list(bad_runs()))
def test_what_goes_wrong_is_named(kind, text, message):
    verdict = Listing(text).check()
    assert verdict.status == "fails"
    assert kind in [finding.kind for finding in verdict.findings]
    assert message in str(verdict)


def test_locks_keep_out_and_do_not_loop():
    text = """
        #include <cmpx/listing.h>
        #include <linux/spinlock.h>
        static DEFINE_SPINLOCK(lock);
        static int x;
        static void add(void) { spin_lock(&lock); x++; spin_unlock(&lock); }
        PROCESS(a) { add(); }
        PROCESS(b) { add(); }
        FINALLY { EXPECT(x == 2, "lost"); }
    """
    verdict = Listing(text).check()
    assert (verdict.status, verdict.interleavings, verdict.races) == ("holds", 2, ())


def test_data_races_are_reported_and_change_no_verdict():
    text = """
        #include <cmpx/listing.h>
        #include <linux/compiler.h>
        static int x, y;
        PROCESS(a) { x = 1; WRITE_ONCE(y, 1); }
        PROCESS(b) { READ_ONCE(x); READ_ONCE(y); }
        PROCESS(c) { READ_ONCE(y); }
    """
    verdict = Listing(text).check()
    assert verdict.status == "holds"
    assert [(race.name, race.lines) for race in verdict.races] == [("x", (5, 6))]


def test_freed_memory_comes_back_only_where_a_listing_asks():
    text = """
        #include <cmpx/listing.h>
        #include <linux/slab.h>
        %s
        PROCESS(a) {
            void *p = kmalloc(8, GFP_KERNEL), *q;
            kfree(p);
            q = kmalloc(8, GFP_KERNEL);
            EXPECT(p != q, "the same block again");
        }
    """
    assert Listing(text % "").check().status == "holds"
    assert Listing(text % "REUSE_FREED_MEMORY").check().status == "fails"


def test_a_data_race_names_what_it_is_about_wherever_that_lies():
    head = "#include <cmpx/listing.h>\n#include <linux/compiler.h>\n#include <linux/slab.h>\n"
    heap = "static struct { int a, b; } *p;\nINIT { p = kzalloc(sizeof(*p), GFP_KERNEL); }\n"
    both = "PROCESS(a) { p->b = 1; }\nPROCESS(b) { p->b = 2; }\n"
    assert [race.name for race in Listing(head + heap + both).check().races] == ["heap[0]+4"]
    lent = "static int *p;\nPROCESS(a) { int mine = 0; WRITE_ONCE(p, &mine); mine = 1; while (READ_ONCE(p)); }\n"
    other = "PROCESS(b) { int *q = READ_ONCE(p); if (q) { *q = 2; WRITE_ONCE(p, NULL); } }\n"
    assert "a: mine" in [race.name for race in Listing(head + lent + other).check().races]


PAIRS = """
#include <cmpx/listing.h>
#include <linux/atomic.h>
#include <linux/string.h>
struct pair { long a, b; };
static struct pair now, copy;
PROCESS(writer) { WRITE_ONCE(now.a, 1); WRITE_ONCE(now.b, 1); }
PROCESS(reader) { %s }
FINALLY { EXPECT(copy.a >= copy.b, "the new b, the old a"); EXPECT(copy.a <= copy.b, "the new a, the old b"); }
"""


@pytest.mark.parametrize("memory", ["sc", "tso"])
@pytest.mark.parametrize("compiler", ["gcc", "clang"])
@pytest.mark.parametrize("copy", ["copy = now;", "struct pair mine = now; copy = mine;", "memcpy(&copy, &now, sizeof(now));"])
def test_a_struct_is_copied_word_by_word(copy, compiler, memory):
    verdict = Listing(PAIRS % copy).check(memory, compiler=(compiler,))
    assert {finding.message.split(": ")[1].split(" (")[0] for finding in verdict.findings} == {
        "the new b, the old a", "the new a, the old b",
    }  # fmt: skip
    if memory == "sc":
        # two stores among two loads and two stores
        assert verdict.interleavings == math.comb(6, 2)


@pytest.mark.parametrize("memory", ["sc", "tso"])
@pytest.mark.parametrize("store", ["now = (struct pair){ 1, 1 };", "memset(&now, 1, sizeof(now));"])
def test_a_wide_store_is_seen_half_done(store, memory):
    text = f"""
        #include <cmpx/listing.h>
        #include <linux/atomic.h>
        #include <linux/string.h>
        struct pair {{ long a, b; }};
        static struct pair now;
        static long a, b;
        PROCESS(writer) {{ {store} }}
        PROCESS(reader) {{ b = READ_ONCE(now.b); a = READ_ONCE(now.a); }}
        FINALLY {{ EXPECT(a >= b, "in the wrong order"); EXPECT(a <= b, "half"); }}
    """
    assert [finding.message for finding in Listing(text).check(memory).findings] == ["listing:10: half (a <= b)"]


@pytest.mark.parametrize("memory", ["sc", "tso"])
def test_a_small_struct_is_read_before_it_is_written(memory):
    """Both hooks of gcc come before the copy; what was read then is what is written, though it has changed since."""
    text = """
        #include <cmpx/listing.h>
        #include <linux/string.h>
        struct half { int a, b; };
        static struct half now, copy;
        PROCESS(writer) { now.a = 5; }
        PROCESS(reader) { copy = now; now = copy; }
        FINALLY { EXPECT(now.a == 5, "lost"); EXPECT(copy.a == 0, "seen"); }
    """
    verdict = Listing(text).check(memory)
    assert {finding.message.split(": ")[1][:4] for finding in verdict.findings} == {"lost", "seen"}
    if memory == "sc":
        # the store of `now` is lost in three of five places, seen in one, and comes last in one
        assert (verdict.interleavings, verdict.bad_interleavings) == (5, 4)


def test_an_access_too_wide_to_take_apart_is_unmodelled():
    text = """
        #include <cmpx/listing.h>
        static struct { char bytes[300]; } x, y;
        PROCESS(a) { x = y; }
    """
    verdict = Listing(text).check(compiler=("gcc",))
    assert verdict.status == "unmodelled"
    assert "listing:4: 300 bytes of x" in verdict.unmodelled[0]


def test_a_step_can_be_taken_back(tmp_path):
    """As machine.h promises; the walk is in tests/csrc/undo.c."""
    root, walk = Path(__file__).parents[1], tmp_path / "walk"
    sources = [root / "tests/csrc/undo.c", root / "csrc/machine.c", root / "csrc/hooks.c"]
    command = [
        shutil.which("cc") or "gcc",
        "-std=gnu11",
        "-O2",
        "-rdynamic",
        f"-I{root / 'csrc'}",
        *sources,
        "-ldl",
        "-o",
        walk,
    ]
    subprocess.run(command, check=True)
    for text in (listing("counter_plain"), listing("two_bitfields"), Listing(PAIRS % "copy = now;")):
        for memory in ("sc", "tso"):
            subprocess.run([walk, text.build().path, memory], check=True)


def test_random_schedules_end_in_a_state_of_the_graph():
    """The replayer and the explorer are the same machine: any walk ends as some run of the graph does."""
    text, rng = listing("pi_post_block_store", UPDATES=2, POSTS=2), random.Random(5)
    bad = text.check().bad_interleavings
    ends = []
    for _ in range(60):
        words = ["cpu"] * 4 + ["iommu"] * 4
        rng.shuffle(words)
        trace = text.replay(" ".join(words))
        assert len(trace.steps) == 8
        ends.append(bool(trace.end))
    assert 0 < bad < math.comb(8, 4)
    assert set(ends) == {False, True}
