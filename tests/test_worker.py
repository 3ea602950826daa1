"""The sandbox: what a listing may try, what it is told, and that nobody else is touched."""

import contextlib
import os
import random
import resource
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cmpx import toolchain, worker
from cmpx.languages import language
from cmpx.listings import Listing, UnmodelledError, listing
from cmpx.toolchain import LONGEST, CompileError, build, program

HEAD = "#include <cmpx/listing.h>\n#include <linux/kernel.h>\n#include <linux/slab.h>\nstatic int x;\n"

# what the machine's own rules refuse before anything runs
REFUSED = {
    "fork bomb": ("int fork(void);\nPROCESS(a) { for (;;) fork(); }", "fork()"),
    "malloc": ("void *malloc(unsigned long);\nPROCESS(a) { malloc(10ul << 30); }", "malloc()"),
    "exit": ("void exit(int);\nPROCESS(a) { exit(0); }", "exit()"),
    "abort": ("void abort(void);\nPROCESS(a) { abort(); }", "abort()"),
    "file": ("int open(const char *, int, ...);\nPROCESS(a) { open(\"/tmp/cmpx-was-here\", 0101, 0600); }", "open()"),
    "environment": ("char *getenv(const char *);\nPROCESS(a) { x = getenv(\"PATH\") != 0; }", "getenv()"),
    "assembly": ("PROCESS(a) { __asm__ volatile(\"lock; incl %0\" : \"+m\"(x)); }", "inline assembly in line 5"),
    "thread-local": ("static _Thread_local int mine;\nPROCESS(a) { mine = x; x = mine; }", "_Thread_local"),
}  # fmt: skip

# what it finds while it runs them
FOUND = {
    "null": ("PROCESS(a) { *(volatile int *)NULL = 1; }", "null pointer"),
    "wild": ("PROCESS(a) { *(volatile int *)0xdead0000beef = 1; }", "4 bytes at 0xdead0000beef"),
    "stack": ("static int f(int n) { volatile char b[256]; b[0] = n; return f(n + 1) + b[0]; }\nPROCESS(a) { x = f(0); }",
              "64 KiB"),
    "frame": ("PROCESS(a) { volatile char b[200000]; b[0] = 1; x = b[0]; }", "64 KiB"),
    "loop": ("PROCESS(a) { for (;;) barrier(); }", "does not end"),
    "spin": ("PROCESS(a) { for (;;) READ_ONCE(x); }", "livelock"),
    "kmalloc": ("PROCESS(a) { kmalloc(10ul << 30, GFP_KERNEL); }", "10,737,418,240"),
    "trap": ("PROCESS(a) { __builtin_trap(); }", "SIGILL"),
    "load": ("__attribute__((constructor)) static void early(void) { *(volatile int *)8 = 1; }\nPROCESS(a) { x = 1; }",
             "SIGSEGV"),
    "return": ("PROCESS(a) { ((void (*)(void))0x123)(); }", "null pointer"),
}  # fmt: skip


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.fixture
def quiet():
    """Afterwards the parent is alive, without a child, and the next check is as ever."""
    assert listing("counter_plain").check().status == "fails"
    parent = worker._workers[program("machine")].process
    yield parent
    assert parent.poll() is None
    assert children(parent.pid) == []
    assert listing("counter_plain").check().status == "fails"


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_modelled_is_named_and_does_not_run(name, quiet):
    text, message = REFUSED[name]
    verdict = Listing(HEAD + text).check()
    assert verdict.status == "unmodelled"
    assert message in str(verdict)
    with pytest.raises(UnmodelledError):
        Listing(HEAD + text).replay("a")
    assert not Path("/tmp/cmpx-was-here").exists()


@pytest.mark.parametrize("name", FOUND)
def test_what_goes_wrong_is_a_finding(name, quiet):
    text, message = FOUND[name]
    verdict = Listing(HEAD + text).check()
    assert verdict.status == "fails"
    assert message in str(verdict)


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("static int y;", ValueError, "has no PROCESS"),
        ("".join(f"PROCESS(p{n}) {{ x = {n}; }}\n" for n in range(9)), ValueError, "more than eight"),
        ("static char big[1 << 20];\nPROCESS(a) { big[0] = 1; }", ValueError, "more than 128 KiB"),
        ("PROCESS(a) { x = 1 }", CompileError, "listing:5: .*\n .*semicolon"),
        ("PROCESS(a) { x = 1; y = 2; }", CompileError, "listing:5: .*\n .*y is not declared"),
        ("PROCESS(a) { lock(&x); }", CompileError, "listing:5: .*\n .*lock is not declared"),
        ("#include <linux/nothing.h>\nPROCESS(a) { }", CompileError, "listing:5: .*\n .*linux/atomic.h"),
        ("PROCESS(a) { }\nPROCESS(a) { }", CompileError, "listing:6: .*\n .*a stands there twice"),
        ("INIT { }\nINIT { }\nPROCESS(a) { }", CompileError, "listing:6: .*\n .*one init block"),
        ('#include "/dev/zero"\nPROCESS(a) { }', CompileError, "."),
    ],
)
def test_what_cannot_be_run_says_why(text, error, message, quiet):
    with pytest.raises(error, match=message):
        Listing(HEAD + text).check()


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        (b"PROCESS(a) { }", TypeError, "a listing is text, not bytes"),
        ("/* \udcff */\nPROCESS(a) { }", ValueError, "line 1 has a character"),
        ("PROCESS(a) { }\0", ValueError, "NUL"),
        ("/*" + "x" * (1 << 20) + "*/", ValueError, f"at most {LONGEST:,} bytes"),
    ],
)
def test_what_is_no_listing_is_refused(text, error, message):
    with pytest.raises(error, match=message):
        Listing(text)


def test_the_messages_are_in_the_readers_language(quiet):
    before = language()
    try:
        language("zh")
        for text, _message in (*REFUSED.values(), *FOUND.values()):
            said = str(Listing(HEAD + text).check())
            assert any("\u4e00" <= character <= "\u9fff" for character in said)
        with pytest.raises(CompileError, match="分号"):
            Listing(HEAD + "PROCESS(a) { x = 1 }").check()
    finally:
        language(before)


# system calls by number, past every rule but the kernel's: what the filter is for
SYSCALL = """
static long call(long n, long a, long b, long c)
{ long r; register long d __asm__("r10") = 0; __asm__ volatile("syscall" : "=a"(r) : "a"(n), "D"(a), "S"(b), "d"(c), "r"(d) : "rcx", "r11", "memory"); return r; }
PROCESS(a) { %s }
"""  # noqa: E501


@pytest.mark.parametrize(
    "attempt",
    [
        "for (;;) call(57, 0, 0, 0);",  # fork
        "call(56, 0x100, 0, 0);",  # clone
        "call(59, (long)\"/bin/sh\", 0, 0);",  # execve
        "call(41, 1, 1, 0);",  # socket
        "call(257, -100, (long)\"/tmp/cmpx-was-here\", 0101);",  # openat, for writing
        "call(2, (long)\"/tmp/cmpx-was-here\", 0101, 0600);",  # open
        "call(62, -1, 9, 0);",  # kill
        "call(62, call(110, 0, 0, 0), 9, 0);",  # getppid
        "call(101, 16, 1, 0);",  # ptrace
        "call(1, 1, (long)\"x\", 1);",  # write
        "call(109, 0, 0, 0);",  # setpgid
    ],
)  # fmt: skip
def test_the_filter_stops_system_calls(attempt, quiet):
    built = build(HEAD + SYSCALL % attempt, "hostile", {})
    outcome = worker.run(program("machine"), {"verb": "check", "path": built.path, "states": 1000, "seconds": 5, "deadline": 9})
    assert [(finding["trouble"], finding["number"]) for finding in outcome.answer["findings"]] == [(11, signal.SIGSYS)]
    assert not Path("/tmp/cmpx-was-here").exists()


def test_leaving_early_is_noticed(quiet):
    built = build(HEAD + SYSCALL % "call(231, 0, 0, 0);", "hostile", {})  # exit_group
    outcome = worker.run(program("machine"), {"verb": "check", "path": built.path, "states": 1000, "seconds": 5, "deadline": 9})
    assert (outcome.answer, outcome.death) == ({}, "")


def test_the_environment_is_empty(quiet):
    text = HEAD + 'extern char **environ;\nPROCESS(a) { x = environ[0] != 0; }\nFINALLY { EXPECT(!x, "seen"); }'
    built = build(text, "hostile", {})
    outcome = worker.run(program("machine"), {"verb": "check", "path": built.path, "states": 1000, "seconds": 5, "deadline": 9})
    troubles = {finding["trouble"] for finding in outcome.answer["findings"]}
    assert 1 not in troubles


def test_a_thousand_jobs_one_in_ten_hostile(quiet):
    names = ("counter_plain", "counter_cas", "two_bitfields", "sb", "mp", "pi_post_block", "pi_post_block_store")
    good = [listing(name) for name in names]
    bad = [Listing(HEAD + text) for text, _ in (*FOUND.values(), *REFUSED.values())]
    bad = [text for text in bad if "READ_ONCE" not in text.text]  # as slow as it is, it proves no more
    calm = [text.check() for text in good]
    for number in range(1000):
        if number % 10 == 9:
            assert bad[number // 10 % len(bad)].check().status in ("fails", "unmodelled")
        else:
            assert good[number % len(good)].check() == calm[number % len(good)]


WIDE = (
    HEAD + "static int y[3];\n" + "".join(f"PROCESS(p{n}) {{ for (int i = 0; i < 4000; i++) y[{n}] = i; }}\n" for n in range(3))
)


@contextlib.contextmanager
def interrupted(after: float) -> Iterator[None]:
    thread = threading.Timer(after, os.kill, (os.getpid(), signal.SIGINT))
    thread.start()
    try:
        yield
    finally:
        thread.join()


def swallow(number: int, frame: object) -> None:
    """What an event loop, or a debugger, may have put in the place of KeyboardInterrupt."""


@pytest.mark.parametrize("handler", [signal.default_int_handler, swallow])
def test_an_interrupt_ends_a_check_at_once(handler, quiet):
    Listing(WIDE).build()
    before = signal.signal(signal.SIGINT, handler)
    try:
        start = time.monotonic()
        with interrupted(0.7):
            verdict = Listing(WIDE).check(states=10**8, seconds=25)
    finally:
        signal.signal(signal.SIGINT, before)
    assert verdict.status == "bounded"
    assert time.monotonic() - start < 10


def test_an_interrupt_ends_counting_at_once(quiet):
    verdict = listing("spinlock_cas").check()
    assert verdict.count(20) > 0
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt), interrupted(0.7):
        verdict.count(1_000_000)
    assert time.monotonic() - start < 10


def test_an_interrupt_at_any_moment_leaves_the_next_check_alone(quiet):
    long, rng, statuses = listing("pi_post_block", UPDATES=60, POSTS=60), random.Random(1), set()
    start = time.monotonic()
    assert long.check().status == "holds"
    seconds = time.monotonic() - start
    for _ in range(30):
        with contextlib.suppress(KeyboardInterrupt), interrupted(rng.uniform(0, seconds)):
            statuses.add(long.check().status)
        assert listing("counter_plain").check().status == "fails"
    assert statuses <= {"holds", "bounded"}


def test_a_reader_that_leaves_in_the_middle_leaves_the_next_check_alone():
    def leave(states: int) -> None:
        raise BrokenPipeError

    job = {"verb": "check", "path": Listing(WIDE).build().path, "states": 10**8, "seconds": 60, "deadline": 60}
    with pytest.raises(BrokenPipeError):
        worker.run(program("machine"), job, leave)
    assert listing("counter_plain").check().status == "fails"


def test_time_ends_a_check(quiet):
    assert Listing(WIDE).check(states=10**8, seconds=1).status == "bounded"


def test_memory_ends_a_check():
    late = WIDE + 'PROCESS(q) { EXPECT(!y[0], "late"); }\n'
    assert listing("counter_cas").check().status == "holds"
    parent = worker._workers[program("machine")].process
    resource.prlimit(parent.pid, resource.RLIMIT_AS, (60 << 20, 60 << 20))
    for text, status, found in ((WIDE, "bounded", []), (late, "fails", ["expect"])):
        verdict = Listing(text).check(states=10**8)
        assert (verdict.status, verdict.interleavings) == (status, None)
        assert [finding.kind for finding in verdict.findings] == found
        assert verdict.states > 10_000
    parent.kill()
    parent.wait()


def test_a_parent_that_was_killed_is_started_again():
    assert listing("counter_cas").check().status == "holds"
    parent = worker._workers[program("machine")].process
    parent.kill()
    parent.wait()
    assert listing("counter_cas").check().status == "holds"
    assert worker._workers[program("machine")].process.pid != parent.pid


def test_many_threads_may_check_at_once(quiet):
    names = ("counter_cas", "counter_try", "spinlock_cas", "pi_pre_block")
    statuses: list[str] = []

    def check() -> None:
        statuses.extend(listing(name).check().status for name in names)

    threads = [threading.Thread(target=check) for _ in range(8)]
    toolchain._symbols.cache_clear()  # so that they read the names at once too
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert statuses == ["holds"] * 8 * len(names)
