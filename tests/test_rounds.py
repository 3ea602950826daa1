"""Rounds of a listing: exact counts, what can never happen, and what a listing may try."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from itertools import product
from pathlib import Path

import pytest

from cmpx import Listing, language, listing, rounds
from cmpx.rounds import LiveRounds, RoundsResult
from cmpx.toolchain import CompileError, NoCompilerError, compiler, find_compilers
from cmpx.widgets import Racer

HEAD = """#include <cmpx/listing.h>
#include <linux/atomic.h>
#include <linux/bug.h>
#include <linux/slab.h>
"""


TWO = "import cmpx.listings, cmpx.rounds\ncmpx.listings.usable_cpus = cmpx.rounds.usable_cpus = lambda: 2\n"


pytestmark = pytest.mark.usefixtures("two_cpus")


def adds_up(result: RoundsResult) -> None:
    assert result.rounds == result.others + sum(outcome.count for outcome in result.outcomes)
    assert result.failing == sum(result.failures.values())
    assert all(0 <= outcome.failing <= outcome.count for outcome in result.outcomes)
    assert sum(outcome.failing for outcome in result.outcomes) <= result.failing <= result.rounds


def raced(text: str, count: int | None = 2000, **options: object) -> RoundsResult:
    result = Listing(HEAD + text).race(rounds=count, **options)  # type: ignore[arg-type]
    adds_up(result)
    return result


def values(result: RoundsResult, *names: str) -> set[tuple[int | str, ...]]:
    return {tuple(outcome.values[name] for name in names) for outcome in result.outcomes}


@pytest.mark.parametrize("count", [1, 15, 16, 17, 5000])
def test_as_many_rounds_as_asked_for(count: int) -> None:
    result = listing("counter_plain").race(rounds=count)
    adds_up(result)
    assert result.rounds == count
    assert values(result, "x") <= {(1,), (2,)}
    assert result.failing == sum(o.count for o in result.outcomes if o.values["x"] == 1)
    assert set(result.failures) <= {"an increment is lost"}


@pytest.mark.parametrize("name", ["counter_cas", "counter_try", "spinlock_cas", "pi_post_block", "mp", "lb", "iriw"])
def test_what_holds_never_fails(name: str) -> None:
    result = listing(name).race(rounds=3000)
    adds_up(result)
    assert (result.rounds, result.failing, result.stopped) == (3000, 0, "")


def test_independent_processes_have_one_outcome() -> None:
    result = listing("independent").race(rounds=3000)
    assert [(dict(o.values), o.count, o.failing) for o in result.outcomes] == [({"a_count": 3, "b_count": 3}, 3000, 0)]
    assert "a_count=3 b_count=3" in repr(result)


def test_store_buffering_has_the_outcomes_of_tso() -> None:
    plain, fenced = listing("sb").race(rounds=20000), listing("sb", BARRIERS=1).race(rounds=20000)
    adds_up(plain)
    allowed = set(product((0, 1), repeat=2))
    assert values(plain, "seen_a", "seen_b") <= allowed
    assert plain.failing == sum(o.count for o in plain.outcomes if (o.values["seen_a"], o.values["seen_b"]) == (0, 0))
    assert values(fenced, "seen_a", "seen_b") <= allowed - {(0, 0)}
    assert fenced.failing == 0


def test_peterson_with_barriers_keeps_one_inside() -> None:
    assert listing("peterson", BARRIERS=1).race(rounds=5000).failing == 0
    assert values(listing("peterson").race(rounds=5000), "turns") <= {(1,), (2,)}


def test_a_lock_on_the_stack_holds_with_three_processes() -> None:
    result = listing("mcs_on_stack", CPUS=3).race(rounds=300)
    assert (result.failing, values(result, "turns", "tail")) == (0, {(3, "NULL")})


def test_every_round_begins_anew() -> None:
    text = "static int a = 5, b; static int *p = &a;\nINIT { b = 7; }\n"
    text += 'PROCESS(one) { a++; WRITE_ONCE(p, &b); }\nPROCESS(two) { }\nFINALLY { EXPECT(a == 6 && b == 7, "left over"); }'
    result = raced(text)
    assert [dict(o.values) for o in result.outcomes] == [{"a": 6, "b": 7, "p": "&b"}]
    assert result.failing == 0


def test_an_outcome_is_what_stands_before_finally() -> None:
    text = "static int x;\nPROCESS(a) { WRITE_ONCE(x, -1); }\nPROCESS(b) { }\n"
    result = raced(text + 'FINALLY { WRITE_ONCE(x, 9); EXPECT(0, "always"); EXPECT(0, "later"); }')
    assert [(dict(o.values), o.count, o.failing) for o in result.outcomes] == [({"x": -1}, 2000, 2000)]
    assert result.failures == {"always": 2000}


def test_bit_fields_and_unions_by_their_parts() -> None:
    text = "static union { unsigned all; struct { unsigned low : 4, high : 4; }; } u;\n"
    text += "PROCESS(a) { WRITE_ONCE(u.all, 0x25); }\nPROCESS(b) { }"
    assert [dict(o.values) for o in raced(text).outcomes] == [{"u.low": 5, "u.high": 2}]


def test_outcomes_beyond_sixty_four_are_counted_together() -> None:
    text = "static unsigned n; static atomic_t x;\nPROCESS(a) { WRITE_ONCE(n, (unsigned)__builtin_ia32_rdtsc()); }\n"
    text += "PROCESS(b) { atomic_inc(&x); }"
    result = raced(text, 20000)
    assert len(result.outcomes) == 64
    assert result.others > 0
    assert "others" in repr(result)


def test_a_warn_is_counted_and_memory_is_handed_out_anew() -> None:
    text = "static int *p;\nINIT { p = kzalloc(64, GFP_KERNEL); }\n"
    text += "PROCESS(a) { WARN_ON(*p != 0); WRITE_ONCE(*p, 3); }\nPROCESS(b) { }\n"
    result = raced(text + 'FINALLY { EXPECT(*p == 3, "lost"); kfree(p); WARN_ON(*p == 3); }')
    assert result.failing == 0
    assert [o.values["p"] for o in result.outcomes] == ["heap+0x40"]
    twice = raced("static int *p;\nPROCESS(a) { p = kmalloc(8, GFP_KERNEL); kfree(p); kfree(p); }\nPROCESS(b) { }")
    assert twice.failures == {"a block is freed twice": 2000}


def test_names_of_the_c_library_are_the_listings_own() -> None:
    result = raced("int signal = 3; int *environ = &signal;\nPROCESS(a) { WRITE_ONCE(*environ, 4); }\nPROCESS(b) { }")
    assert [dict(o.values) for o in result.outcomes] == [{"signal": 4, "environ": "&signal"}]


REFUSED = "a: it asks the operating system for something; the sandbox refuses"
HOSTILE = {
    "null": ("PROCESS(a) { *(volatile int *)0 = 1; }", "a: an access through a null pointer (0x0)"),
    "wild": ("PROCESS(a) { *(volatile int *)(1ul << 45) = 1; }", "a: the process was stopped by SIGSEGV"),
    "abort": ("#include <stdlib.h>\nPROCESS(a) { abort(); }", "a: "),
    "exit": ("#include <stdlib.h>\nPROCESS(a) { exit(0); }", "the listing ended its own process: exit(0)"),
    "bug": ("PROCESS(a) { BUG_ON(x == 0); }", "listing:6: a: WARN: x == 0"),
    "fork": ("#include <unistd.h>\nPROCESS(a) { for (;;) fork(); }", REFUSED),
    "file": ('#include <fcntl.h>\nPROCESS(a) { x = open("/tmp/cmpx-evil", O_CREAT | O_WRONLY, 0600); }', REFUSED),
    "socket": ("#include <sys/socket.h>\nPROCESS(a) { x = socket(AF_INET, SOCK_STREAM, 0); }", REFUSED),
    "exec": ('#include <unistd.h>\nPROCESS(a) { execl("/bin/sh", "sh", (char *)0); }', REFUSED),
    "endless": ("PROCESS(a) { for (;;) barrier(); }", "a round does not come to its end: a still runs"),
    "stack": (
        "static int f(volatile int n) { volatile char b[999] = {n}; return f(n + 1) + b[0]; }\nPROCESS(a) { x = f(0); }",
        "a: ",
    ),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_listing_harms_nobody(what: str) -> None:
    text, message = HOSTILE[what]
    result = raced(f"static int x;\n{text}\nPROCESS(b) {{ }}", None, seconds=5)
    assert message in result.stopped
    assert result.stopped in repr(result)
    assert not Path("/tmp/cmpx-evil").exists()
    assert children() == set()


def children() -> set[int]:
    """Processes of the programs that race."""
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                program = os.readlink(entry / "exe")
                owner = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
            if "/rounds-" in program and owner == os.getpid():
                found.add(int(entry.name))
    return found


def test_it_stops_and_goes_on() -> None:
    raced_listing = listing("counter_plain")
    live = LiveRounds("counter_plain", raced_listing.build_native())
    live.start()
    while live.running and live.result().rounds == 0:
        live.wait(0.05)
    live.stop()
    before = live.result()
    adds_up(before)
    assert before.rounds > 0
    assert (live.running, live.finished, children()) == (False, True, set())
    live.start(rounds=100)
    while live.running:
        live.wait(0.05)
    after = live.result()
    adds_up(after)
    assert after.rounds == before.rounds + 100
    live.close()


def test_an_interrupt_ends_it_at_once() -> None:
    race = "try: listing('counter_cas').race(seconds=60)\nexcept KeyboardInterrupt: print('stopped')"
    program = f"{TWO}from cmpx import listing\n{race}"
    listing("counter_cas").race(rounds=1)  # built before
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    time.sleep(3)
    asked = time.monotonic()
    process.send_signal(signal.SIGINT)
    said, _error = process.communicate(timeout=20)
    assert said == "stopped\n"
    assert time.monotonic() - asked < 10


def test_python_goes_on_beside_it() -> None:
    done = threading.Event()
    thread = threading.Thread(target=lambda: (listing("counter_cas").race(seconds=0.5), done.set()))
    thread.start()
    turns = 0
    while not done.is_set():
        turns += 1
        time.sleep(0.005)
    thread.join()
    assert turns > 5


def test_one_processor_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounds, "usable_cpus", lambda: 1)
    result = listing("sb").race()
    assert (result.rounds, result.outcomes) == (0, ())
    assert "two processors" in repr(result)
    language("zh")
    assert "两个处理器" in repr(listing("sb").race())


def test_without_a_compiler_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    compiler.cache_clear()
    monkeypatch.setattr("cmpx.toolchain.find_compilers", lambda: ())
    try:
        with pytest.raises(NoCompilerError, match="no C compiler here"):
            listing("sb").race()
    finally:
        compiler.cache_clear()


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"seconds": 0}, ValueError),
        ({"seconds": True}, ValueError),
        ({"rounds": 0}, ValueError),
        ({"rounds": 1.5}, TypeError),
        ({"seed": -1}, ValueError),
    ],
)
def test_settings_out_of_range(options: dict[str, object], error: type[Exception]) -> None:
    with pytest.raises(error):
        listing("sb").race(**options)  # type: ignore[arg-type]


def test_what_cannot_race() -> None:
    assert "nothing to run" in raced("static int x;").stopped
    assert "128 KiB" in raced("static char big[1 << 18];\nPROCESS(a) { WRITE_ONCE(big[0], 1); }\nPROCESS(b) { }").stopped
    assert "more than eight" in raced("".join(f"PROCESS(p{i}) {{ }}\n" for i in range(9))).stopped
    assert "unmodelled" in raced("void nowhere(void);\nPROCESS(a) { nowhere(); }").stopped
    with pytest.raises(CompileError):
        raced("PROCESS(a) { y = 1; }")


@pytest.mark.parametrize("tool", [tool for tool in find_compilers() if tool[0] in ("gcc", "clang")])
@pytest.mark.parametrize("level", [0, 1, 2])
def test_compilers_and_levels(tool: tuple[str, ...], level: int) -> None:
    result = listing("counter_cas").race(rounds=500, optimise=level, compiler=tool)
    assert (result.rounds, result.failing) == (500, 0)
    assert f"-O{level}" in result.build


def test_racer_of_a_listing() -> None:
    racer = Racer(listing("counter_plain"))
    try:
        assert "running" not in repr(racer)
        racer.start()
        racer._seen += 60  # as if somebody looked
        end = time.monotonic() + 20
        while json.loads(racer.frame)["rounds"] == 0 and time.monotonic() < end:
            time.sleep(0.05)
        result = racer.result
        adds_up(result)
        assert result.rounds > 0
        assert json.loads(racer.frame)["rounds"] == result.rounds
        assert "counter_plain" in repr(racer)
        racer.reset()
        assert json.loads(racer.frame)["rounds"] == 0
    finally:
        racer.close()
    assert children() == set()
    assert "listing" not in Racer("store").traits()


def test_racer_says_why_it_ended() -> None:
    racer = Racer(Listing(HEAD + "PROCESS(a) { *(volatile int *)0 = 1; }\nPROCESS(b) { }"))
    racer.start()
    racer._seen += 60
    end = time.monotonic() + 20
    while racer.status == "running" and time.monotonic() < end:
        time.sleep(0.05)
    assert racer.status == "frozen"
    assert "null pointer" in json.loads(racer.frame)["stopped"]
    racer.close()


@pytest.mark.parametrize("chosen", ["en", "zh"])
def test_it_draws_and_prints_in_both_languages(chosen: str) -> None:
    language(chosen)
    result = listing("counter_plain").race(rounds=500)
    said = {"en": "rounds", "zh": "轮"}[chosen]
    assert said in repr(result)
    assert said in result._repr_html_()
    assert "x=2" in result._repr_html_()
    assert result.plot().axes
