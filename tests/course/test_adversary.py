"""The adversary runs every script, judges what it sees, and gives nothing to an answer that plays another game.

Whole answers are kept in tests/answers, and tested with the rest of the course.
"""

import contextlib
import inspect
import itertools
import linecache
import re
import resource
import subprocess
import time
from pathlib import Path

import nbformat
import pytest

from cmpx import adversary
from cmpx.adversary import DeadError, Run, Task
from cmpx.course import Answer, Report, question

HERE = Path(__file__).parents[1]
QUESTIONS = ("fetch_or", "fetch_max", "add_saturating", "claim")
REFERENCE = (HERE / "answers/fetch_or/reference.py").read_text("utf-8")


def examined(text: str, name: str = "fetch_or", value: object = None, **values: int) -> Report:
    asked = question(name)
    given = {**asked.variant("a1-words", ""), **values}
    return Report(asked, tuple(adversary.examine(asked, Answer(text, value), given)))


@pytest.fixture
def scripts(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, dict[int, int]]]:
    """Every run that is played, by its start and its script."""
    played = []
    play = adversary.Student.play

    def spy(self, run):
        played.append((run.start, dict(run.script)))
        play(self, run)

    monkeypatch.setattr(adversary.Student, "play", spy)
    return played


@pytest.fixture
def groups(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The process groups that are started."""
    started = []

    class Popen(subprocess.Popen):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            started.append(self.pid)

    monkeypatch.setattr(subprocess, "Popen", Popen)
    return started


def alive(groups: list[int]) -> list[str]:
    """Processes of these groups that run; those that only wait to be reaped do not."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, _parent, group = path.read_text("utf-8", "replace").rpartition(")")[2].split()[:3]
            found += [path.parent.name] if int(group) in groups and state not in "ZX" else []
    return found


def operations(start: int, script: dict[int, int], mask: int) -> list[int]:
    """What the word holds at each operation of the reference for fetch_or, before somebody else writes."""
    word, held = start, []

    def meets() -> int:
        nonlocal word
        held.append(word)
        word = script.get(len(held), word)
        return word

    old = meets()
    while (seen := meets()) != old:
        old = seen
    return held


def test_every_script_of_three_changes_is_run_once(scripts) -> None:
    task = Task.of(question("fetch_or"), {})
    examined(REFERENCE)
    possible = []
    for changes in range(4):
        for places in itertools.combinations(range(1, 12), changes):
            for values in itertools.product(task.others, repeat=changes):
                script = dict(zip(places, values, strict=True))
                held = operations(task.starts[0], script, 6)
                if all(at <= len(held) and held[at - 1] != value for at, value in script.items()):
                    possible.append((task.starts[0], script))
    alone = [(start, {}) for start in task.starts[1:]]

    def key(one):
        return one[0], sorted(one[1].items())

    assert len(possible) > 25
    assert sorted(scripts, key=key) == sorted(possible + alone, key=key)


@pytest.mark.parametrize("name", QUESTIONS)
def test_the_first_start_is_one_where_something_is_to_be_done_and_one_is_not(name: str) -> None:
    asked = question(name)
    for number in range(3):
        values = {key: values[number] for key, values in asked.data.get("variant", {}).items()}
        task = Task.of(asked, values)
        assert not task.idle(task.starts[0])
        assert any(map(task.idle, task.starts))
        assert all(0 <= value <= 0xFF for value in (*task.starts, *task.others))


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("name", QUESTIONS)
def test_the_reference_earns_everything_and_the_released_stub_nothing(name: str, language: str) -> None:
    notebook = nbformat.read(HERE.parent / f"notebooks/{language}/assignments/a1-words/a1-words.ipynb", 4)
    text = next(cell.source for cell in notebook.cells if cell.id == name)
    stub = re.sub(r"(?s)### BEGIN SOLUTION.*?### END SOLUTION", "raise NotImplementedError()", text)
    assert "NotImplementedError" in stub
    assert examined(text, name).score == 22.5
    assert examined(stub, name).score == 0


class TestJudge:
    """A run, operation by operation, without a process."""

    task = Task.of(question("fetch_max"), {"LEAST": 5})

    def failed(self, run: Run) -> set[str]:
        return set(run.failures)

    def test_an_update_that_meets_nobody(self) -> None:
        run = Run(self.task, 3, {})
        assert (run.read(), run.cmpxchg(3, 5)) == (3, 3)
        run.returned(3, "3")
        assert not run.failures
        assert run.word == 5

    def test_nothing_to_do_counts_from_the_moment_it_was_seen(self) -> None:
        run = Run(self.task, 3, {1: 9, 2: 0})
        assert run.read() == 9
        run.returned(9, "9")
        assert not run.failures

    def test_a_value_that_was_never_seen_is_no_result(self) -> None:
        run = Run(self.task, 9, {1: 7})
        run.read()
        run.returned(9, "9")
        assert self.failed(run) == {"effect"}

    def test_a_write_must_suit_what_stands_there(self) -> None:
        run = Run(self.task, 3, {2: 9})
        run.read()
        assert run.cmpxchg(9, 5) == 9
        assert self.failed(run) == {"safety"}

    def test_a_second_update_is_one_too_many(self) -> None:
        run = Run(self.task, 3, {2: 0})
        run.cmpxchg(3, 5)
        run.cmpxchg(0, 5)
        assert self.failed(run) == {"safety"}

    def test_a_store_that_suits_is_a_store_all_the_same(self) -> None:
        run = Run(self.task, 3, {})
        run.read()
        run.store(5)
        run.returned(3, "3")
        assert self.failed(run) == {"constraints"}

    def test_one_change_excuses_one_failure(self) -> None:
        run = Run(self.task, 3, {2: 4})
        run.read()
        assert run.cmpxchg(3, 5) == 4
        with pytest.raises(adversary.EnoughError):
            run.cmpxchg(3, 5)
        assert self.failed(run) == {"progress"}

    def test_a_first_guess_and_a_read_by_cmpxchg_are_no_failures(self) -> None:
        run = Run(self.task, 3, {})
        run.cmpxchg(0, 5)
        run.cmpxchg(0, 0)
        run.cmpxchg(3, 5)
        run.returned(3, "3")
        assert not run.failures

    def test_true_is_not_one(self) -> None:
        run = Run(Task.of(question("fetch_max"), {"LEAST": 5}), 1, {})
        run.cmpxchg(1, 5)
        run.returned(True, "True")
        assert self.failed(run) == {"effect"}

    @pytest.mark.parametrize(
        "message",
        [
            "cmpxchg 0 256 3", "cmpxchg -1 5 3", "cmpxchg 0 5", "cmpxchg 0 5 3 4", "cmpxchg 0 x 3", "read", "read 1 2",
            "call system 3", "word 7", "", "\ufffd", "store 7 3 3", "verdict full", "cmpxchg 0 " + "9" * 5000 + " 3",
        ],
    )  # fmt: skip
    def test_a_process_can_say_no_more_than_its_function_can_do(self, message: str) -> None:
        run = Run(self.task, 3, {})
        with pytest.raises(DeadError):
            adversary._answer(run, message)
        assert run.word == 3


class TestPlayingAnotherGame:
    def test_whoever_speaks_to_the_examination_directly_earns_what_the_words_say(self) -> None:
        forged = """
import os
def fetch_or(x, mask):
    os.write(CHANNEL, b"return int 6")
    return 6
"""
        for channel in range(3, 9):
            assert examined(forged.replace("CHANNEL", str(channel))).score == 0

    def test_nothing_stays_behind(self, groups) -> None:
        forks = "import os, time\nif os.fork() == 0: time.sleep(60)\n" + REFERENCE
        for text in (REFERENCE, forks, "while True: pass"):
            examined(text)
        assert len(groups) == 3
        deadline = time.monotonic() + 10
        while alive(groups) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert not alive(groups)

    @pytest.mark.parametrize(
        ("attempt", "error"),
        [
            ("os.write(os.open('x', os.O_CREAT | os.O_WRONLY), b'y')", "PermissionError"),
            ("open('/etc/passwd').read()", "PermissionError"),
            ("os.listdir('/')", "PermissionError"),
            ("os.kill(1, 0)", "PermissionError"),
            ("os.fork()", "PermissionError"),
            ("os.execv('/bin/true', ['true'])", "PermissionError"),
            ("1 / (1 + sys.modules['ctypes'].CDLL(None).syscall(57))", "ZeroDivisionError"),
            ("os.environ['CMPX_SECRET']", "KeyError"),
            ("threading.Thread(target=print).start()", "RuntimeError"),
            ("input()", "EOFError"),
            ("bytearray(1 << 40)", "MemoryError"),
        ],
    )
    def test_it_can_do_nothing_but_compute(self, monkeypatch: pytest.MonkeyPatch, attempt: str, error: str) -> None:
        monkeypatch.setenv("CMPX_SECRET", "12345")
        report = examined(f"import os, sys, threading\ndef fetch_or(x, mask):\n    {attempt}\n    return fetch(x, mask)\n")
        assert report.score == 0
        assert f"line 3 raises {error}" in str(report)

    def test_a_limit_is_never_raised(self, monkeypatch: pytest.MonkeyPatch) -> None:
        given = {resource.RLIMIT_AS: 1 << 28, resource.RLIMIT_CPU: resource.RLIM_INFINITY}
        limited = {}
        monkeypatch.setattr(resource, "getrlimit", lambda kind: (0, given.get(kind, 1 << 40)))
        monkeypatch.setattr(resource, "setrlimit", limited.__setitem__)
        adversary.answering.limit()
        assert limited[resource.RLIMIT_AS] == (1 << 28, 1 << 28)
        assert limited[resource.RLIMIT_CPU] == (20, 20)

    def test_only_what_is_there_is_imported(self) -> None:
        for module in ("functools", "itertools", "math", "operator", "os", "sys", "threading", "time"):
            assert examined(f"import {module}\n{REFERENCE}").failed == ("constraints",)
        for module in ("socket", "typing", "numpy", "os.path"):
            report = examined(f"import {module}\n{REFERENCE}")
            assert report.score == 0
            assert f"line 1 imports {module}; only cmpx is allowed" in str(report)

    def test_without_a_filter_nothing_is_run(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        program = Path(adversary.answering.__file__).read_text("utf-8")
        (tmp_path / "answering.py").write_text(program.replace("prctl(22,", "prctl(-1,"), "utf-8")
        monkeypatch.setattr(adversary.answering, "__file__", str(tmp_path / "answering.py"))
        hear = adversary.Student._hear
        monkeypatch.setattr(adversary.Student, "_hear", lambda self: time.sleep(0.5) or hear(self))  # a busy machine
        with pytest.raises(OSError, match="seccomp"):
            examined(REFERENCE)

    def test_what_could_not_be_examined_earns_nothing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(adversary, "IN_ALL", 0.5)
        slow = "import time\n" + REFERENCE.replace("    old = x", "    time.sleep(0.1)\n    old = x")
        assert set(examined(slow).failed) == {"safety", "effect", "progress", "constraints"}

    def test_who_waits_for_ever_is_not_led_on(self, scripts) -> None:
        waits = (HERE / "answers/fetch_or/waits_for_old.py").read_text("utf-8")
        assert examined(waits).failed == ("progress",)
        assert len(scripts) < 20

    @pytest.mark.parametrize("form", ["cmpxchg_acquire", "cmpxchg_relaxed", "cmpxchg_release", "cmpxchg64"])
    def test_another_form_of_cmpxchg_works_and_is_not_allowed(self, form: str) -> None:
        text = f"from cmpx import {form}\n" + REFERENCE.replace("cmpxchg(", f"{form}(")
        assert examined(text).failed == ("constraints",)

    def test_the_book_s_names_stay_as_they_are(self) -> None:
        for rebinding in ("cmpx.cmpxchg = None", "import cmpx as c; c.cmpxchg = print", "setattr(cmpx, 'cmpxchg', print)"):
            assert examined(f"import cmpx\n{rebinding}\n{REFERENCE}").score == 0

    def test_who_goes_on_after_a_stop_is_stopped_with_the_process(self, groups) -> None:
        stubborn = (HERE / "answers/fetch_or/swallows_the_stop.py").read_text("utf-8")
        assert examined(stubborn).failed == ("progress",)
        assert len(groups) > 1

    def test_an_answer_for_one_mask_fails_for_another(self) -> None:
        cheat = REFERENCE.replace("| mask", "| 6")
        assert examined(cheat).score == 22.5
        assert examined(cheat, MASK=0b10010001).score < 22.5


class TestInTheReadersKernel:
    """The live function is examined by the text of its cell, as it will be in grading."""

    def cell(self, text: str, name: str) -> dict[str, object]:
        linecache.cache[name] = (len(text), None, text.splitlines(True), name)
        namespace: dict[str, object] = {"cmpxchg": lambda *_: 0}
        exec(compile(text, name, "exec"), namespace)
        return namespace

    def test_a_helper_in_the_cell_is_there(self) -> None:
        text = (HERE / "answers/fetch_or/helper.py").read_text("utf-8")
        function = self.cell(text, "<cell 1>")["fetch_or"]
        assert examined(inspect.getsource(function), value=function).score == 22.5

    def test_a_helper_in_another_cell_is_not(self) -> None:
        text = "def fetch_or(x, mask):\n    return update(x, mask)\n"
        function = self.cell(text, "<cell 2>")["fetch_or"]
        report = examined(text, value=function)
        assert report.score == 0
        assert "NameError: name 'update' is not defined" in str(report)


def test_the_schedule_of_a_lost_change_is_told_step_by_step() -> None:
    report = examined((HERE / "answers/fetch_max/new_before_the_loop.py").read_text("utf-8"), "fetch_max")
    assert str(report).splitlines()[1:9] == [
        "✗ safety 0/10",
        "    the word held 101; this makes 100 of it, and 101 is right",
        "    cmpxchg protects the value that the new one was computed from, and no other.",
        "      1 reads 0                              0  old = x.value",
        "        somebody writes 101                101",
        "      2 cmpxchg(0 → 100) finds 101: fails  101  while (seen := cmpxchg(x, old, new)) != old:",
        "      3 cmpxchg(101 → 100) succeeds        100  while (seen := cmpxchg(x, old, new)) != old:",
        "✓ effect 5/5",
    ]
