"""Questions in Python: functions of one word that meet somebody who changes it, at the worst moments there are.

Threads of Python do not meet often enough to grade anything. So the word is scripted: right before any of the function's
operations somebody may write it, up to three times, and every such script is run. The function runs in a process of its own
(cmpx/answering.py); the word, the script and the verdict are here.
"""

import ast
import inspect
import linecache
import os
import re
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self
from unicodedata import east_asian_width

from cmpx import answering
from cmpx.course import Answer, Failure, Question
from cmpx.languages import _

__all__ = ["Run", "Task", "examine"]

CHANGES = 3
OPERATIONS, MORE = 8, 4
# between two operations: of the processor's time, and of everybody's
CPU_SECONDS, SECONDS, IN_ALL = 0.2, 10.0, 30.0
_MODULES = {"__future__", "cmpx"}
# what is there all the same: to import it costs no more than the constraints
_THERE = {"functools", "itertools", "math", "operator", "os", "sys", "threading", "time"}
_TICK = 1 / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Task:
    """What a function has to do to a word, in numbers.

    Parameters
    ----------
    name : str
        Of the function.
    arguments : tuple of int
        What it is given after the word.
    starts, others : tuple of int
        From which values it begins, and what somebody else writes.
    change, result : callable
        What it makes of a value, and what it returns when it has replaced that.
    returns : str
        What it returns, in the reader's language.
    hints : Mapping
        What to think about if a property fails, if the question has a hint of its own.
    shown : str
        How a value is written, as a format.
    """

    name: str
    arguments: tuple[int, ...]
    starts: tuple[int, ...]
    others: tuple[int, ...]
    change: Callable[[int], int]
    result: Callable[[int], object]
    returns: str
    hints: Mapping[str, str]
    shown: str

    @classmethod
    def of(cls, question: Question, values: Mapping[str, int]) -> Self:
        """What a question asks, with these values in its formulas."""
        data = question.data
        names = {**data.get("values", {}), **values}
        whole = {"__builtins__": {}, "min": min, "max": max}

        def number(formula: str, **more: int) -> Any:
            return eval(formula, whole, {**names, **more})

        return cls(
            question.name,
            tuple(map(number, data["arguments"])),
            tuple(map(number, data["starts"])),
            tuple(map(number, data["others"])),
            cache(lambda v: number(data["change"], v=v)),
            cache(lambda v: number(data["result"], v=v)),
            question.say(data["returns"]),
            {name: question.say(texts) for name, texts in data.get("hints", {}).items()},
            data.get("shown", "d"),
        )

    def show(self, value: int) -> str:
        """A value as the question writes it."""
        return format(value, self.shown)

    def says(self, result: object) -> str:
        """A result as the question writes it."""
        return self.show(result) if type(result) is int else str(result)

    def idle(self, value: int) -> bool:
        """Whether there is nothing to do."""
        return self.change(value) == value


class Row(NamedTuple):
    """One line of a run: what happens, what the word holds then, and which line of the answer does it."""

    what: str
    word: int
    line: int = 0
    old: int = 0
    new: int = 0
    text: str = ""


class EnoughError(Exception):
    """The call has gone on for long enough."""


class Run:
    """One call of the function, and what is wrong with it.

    Parameters
    ----------
    task : Task
        What it has to do.
    start : int
        What the word holds at first.
    script : Mapping of int to int
        What somebody writes right before the operation of that number, counted from 1.
    """

    def __init__(self, task: Task, start: int, script: Mapping[int, int]) -> None:
        self.task = task
        self.start = self.word = start
        self.script = script
        self.rows: list[Row] = []
        self.held: list[int] = []  # at each operation
        self.seen: list[int] = []  # by the function
        self.replaced: int | None = None
        self.changed = self.stuck = False
        self.changes = self.failed = 0
        self.failures: dict[str, tuple[str, str, int]] = {}

    def read(self, line: int = 0) -> int:
        """The function reads the word."""
        self._begin()
        return self._see("reads", line)

    def cmpxchg(self, old: int, new: int, line: int = 0) -> int:
        """The function compares the word, and replaces it if it is `old`."""
        self._begin()
        if self.word == old:
            found = self._see("succeeds", line, old, new)
            self._write(new, _("cmpxchg protects the value that the new one was computed from, and no other."))
            return found
        # a first guess, and a cmpxchg(x, v, v), are reads
        self.failed += bool(self.seen) and old != new
        found = self._see("fails", line, old, new)
        if self.failed > self.changes:
            hint = _("A failure says what the word holds now. What does the next attempt expect?")
            self._endless(_("this cmpxchg fails, and no change by somebody else explains it"), hint)
        return found

    def store(self, new: int, line: int = 0) -> int:
        """The function replaces the word, whatever it is."""
        self._begin()
        found = self.word
        self.rows.append(Row("stores", new, line, new=new))
        self.fail("constraints", _("line {line} stores; only a read and cmpxchg are allowed").format(line=line))
        self._write(new, _("A store asks nothing: between your read and your store, somebody else may write."))
        return found

    def called(self, name: str, line: int) -> None:
        """The function calls another one of the book's."""
        message = _("line {line} calls {name}; only a read and cmpxchg are allowed")
        self.fail("constraints", message.format(line=line, name=name))

    def returned(self, result: object, text: str) -> None:
        """The function returns."""
        self.rows.append(Row("returns", self.word, text=text))
        task, right = self.task, self.task.change(self.start)
        if not self.script and self.word != right:
            message = _("alone it leaves {word} where the word held {start}; {right} is right")
            self.fail("effect", self._say(message, start=self.start, right=right, word=self.word))
            return
        if "safety" in self.failures:
            return
        from_ = [value for value in self.seen if task.idle(value)] if self.replaced is None else [self.replaced]
        if not from_:
            hint = _("cmpxchg returns what it found. What if that is not what you expected?")
            self.fail("effect", _("it returns, and it has done nothing to the word"), self._hint("effect", hint))
        elif not any(type(result) is type(task.result(value)) and result == task.result(value) for value in from_):
            message = _("it returns {result}, and {right} is right: {returns}")
            self.fail("effect", message.format(result=text, right=task.says(task.result(from_[-1])), returns=task.returns))

    def raised(self, line: int, text: str) -> None:
        """The function raises an exception."""
        self.rows.append(Row("raises", self.word, line, text=text))
        if "safety" not in self.failures or not self.script:
            self.fail("effect", _("line {line} raises {error}").format(line=line, error=text))

    def silent(self) -> None:
        """The function neither does anything to the word nor returns."""
        self.stuck = True
        self._stops(_("it neither returns nor does anything to the word: an endless loop?"), "")

    def fail(self, name: str, message: str, hint: str = "") -> None:
        """Keep what is wrong, if it is the first of its property."""
        self.failures.setdefault(name, (message, hint, len(self.rows)))

    def table(self, rows: int, text: str) -> str:
        """The first rows of the run, beside the lines of the answer."""
        source = text.splitlines()
        said = [self._words(row) for row in self.rows[:rows]]
        wide, held = max(map(_width, said)), max(len(self.task.show(row.word)) for row in self.rows)
        lines: list[str] = []
        number = 0
        for row, words, before in zip(self.rows, said, [None, *self.rows], strict=False):
            number += bool(row.line)
            if row == before:
                lines += ["    …"] if lines[-1] != "    …" else []
                continue
            step = str(number) if row.line else ""
            code = source[row.line - 1].strip() if 0 < row.line <= len(source) else ""
            padding = " " * (wide - _width(words))
            lines.append(f"{step:>3} {words}{padding}  {self.task.show(row.word):>{held}}  {code}".rstrip())
        return "\n".join(lines)

    def _begin(self) -> None:
        number = len(self.held) + 1
        if number in self.script:
            self.word = self.script[number]
            self.changes += 1
            self.rows.append(Row("somebody", self.word))
        self.held.append(self.word)
        most = OPERATIONS + MORE * self.changes
        if number > most:
            self.stuck = True
            hint = _("Two operations are enough if nobody interferes.")
            self._endless(_("more than {most} operations on the word").format(most=most), hint)

    def _see(self, what: str, line: int, old: int = 0, new: int = 0) -> int:
        self.rows.append(Row(what, new if what == "succeeds" else self.word, line, old, new))
        self.seen.append(self.word)
        return self.word

    def _write(self, new: int, hint: str) -> None:
        word, right = self.word, self.task.change(self.word)
        if new == word:
            return
        self.word, self.changed = new, True
        if new != right:
            message = _("the word held {word}; this makes {new} of it, and {right} is right")
            hint = self._hint("safety", hint if self.changes else self._hint("alone", ""))
            self.fail("safety", self._say(message, word=word, new=new, right=right), hint)
        elif self.replaced is not None:
            message = _("it has taken effect before, when the word held {before}, and here it does so again")
            self.fail("safety", self._say(message, before=self.replaced))
        else:
            self.replaced = word

    def _endless(self, message: str, hint: str) -> None:
        self._stops(message, self._hint("progress", hint))
        raise EnoughError

    def _stops(self, message: str, hint: str) -> None:
        self.fail("progress", message, hint)
        if not self.script:
            self.failures.setdefault("effect", (message, "", 0))

    def _hint(self, name: str, usual: str) -> str:
        return self.task.hints.get(name, usual)

    def _say(self, message: str, **values: int) -> str:
        return message.format(**{name: self.task.show(value) for name, value in values.items()})

    def _words(self, row: Row) -> str:
        sentences = {
            "reads": _("reads {word}"),
            "succeeds": _("cmpxchg({old} → {new}) succeeds"),
            "fails": _("cmpxchg({old} → {new}) finds {word}: fails"),
            "stores": _("stores {new}"),
            "somebody": _("somebody writes {word}"),
            "returns": _("returns {text}"),
            "raises": _("raises {text}"),
        }
        show = self.task.show
        return sentences[row.what].format(word=show(row.word), old=show(row.old), new=show(row.new), text=row.text)


def _width(text: str) -> int:
    return sum(1 + (east_asian_width(character) in "WF") for character in text)


# -- the process of the answer -------------------------------------------------------------------------------------------


class DeadError(Exception):
    """The process has ended, or says what it cannot say."""


class SilentError(Exception):
    """The process says nothing."""


class RefusedError(Exception):
    """The answer cannot be run at all; the message says why."""


class Student:
    """The process that runs an answer; it is started when it is needed, and again after it was stopped.

    Parameters
    ----------
    text : str
        The answer.
    name : str
        Of its function.
    """

    def __init__(self, text: str, name: str) -> None:
        self._text, self._name = text, name
        self._folder = tempfile.TemporaryDirectory()
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()
        self._folder.cleanup()

    def start(self) -> None:
        """Start it, and wait until the answer has been run once.

        Raises
        ------
        RefusedError
            It cannot be run.
        """
        self._channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-B", answering.__file__, str(theirs.fileno())],
                pass_fds=(theirs.fileno(),),
                env={},
                cwd=self._folder.name,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        self._say(self._text)
        self._say(self._name)
        try:
            said = self._hear()
        except SilentError as error:
            raise RefusedError(_("the cell does not come to an end")) from error
        match said.split(maxsplit=2):
            case ["ready"]:
                return
            case ["missing"]:
                raise RefusedError(_("the cell defines no {name}").format(name=self._name))
            case ["unconfined"]:
                raise OSError(_("an answer in Python is run behind a seccomp filter, which needs Linux on x86-64"))
            case ["raise", line, what]:
                raise RefusedError(_("line {line} raises {error}").format(line=line, error=what))
        raise DeadError

    def stop(self) -> None:
        """End it, with whatever it has started."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._channel.close()
            self._process = None

    def play(self, run: Run) -> None:
        """Let the function do one run.

        Raises
        ------
        DeadError, SilentError
            It did not come to an end.
        RefusedError
            It cannot be run.
        """
        if self._process is None:
            self.start()
        self._say(" ".join(map(str, run.task.arguments)) + " ")
        while (message := self._hear()).split(" ", 1)[0] not in ("return", "raise"):
            try:
                self._say(str(_answer(run, message)))
            except EnoughError:
                self._cut()
                return
        _end(run, message)

    def _cut(self) -> None:
        """Have the call stopped."""
        for _attempt in range(OPERATIONS):
            self._say("stop")
            if self._hear().split(" ", 1)[0] in ("return", "raise"):
                return
        raise SilentError  # it goes on all the same

    def _say(self, message: str) -> None:
        try:
            self._channel.send(message.encode())
        except OSError as error:
            raise DeadError from error

    def _hear(self) -> str:
        begun, spent = time.monotonic(), 0.0
        while not select.select([self._channel], [], [], CPU_SECONDS / 2)[0]:
            # on a busy machine a process that has had no processor has not been silent
            if (spent and self._cpu() - spent >= CPU_SECONDS) or time.monotonic() - begun > SECONDS:
                raise SilentError
            spent = spent or self._cpu()
        try:
            packet = self._channel.recv(answering.PACKET)
        except OSError as error:
            raise DeadError from error
        if not packet:
            raise DeadError
        return packet.decode("utf-8", "replace")

    def _cpu(self) -> float:
        assert self._process is not None
        fields = Path(f"/proc/{self._process.pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) * _TICK


def _answer(run: Run, message: str) -> int:
    """What an operation of the function comes to."""
    try:
        what, *numbers = message.split(" ")
        match what, *([int(number) for number in numbers] if what != "call" else numbers):
            case "read", int(line):
                return run.read(line)
            case "cmpxchg", int(old), int(new), int(line) if _fit(old, new):
                return run.cmpxchg(old, new, line)
            case "store", int(new), int(line) if _fit(new):
                return run.store(new, line)
            case "call", name, line if name in answering.OTHERS:
                run.called(str(name), int(line))
                return 0
    except ValueError as error:
        raise DeadError from error
    raise DeadError


def _fit(*numbers: int) -> bool:
    return all(0 <= number <= 0xFF for number in numbers)


def _end(run: Run, message: str) -> None:
    """What the end of a call comes to."""
    if found := re.fullmatch(r"return int (-?\d{1,30})", message):
        run.returned(int(found[1]), run.task.says(int(found[1])))
    elif found := re.fullmatch(r"return bool (True|False)", message):
        run.returned(found[1] == "True", found[1])
    elif found := re.fullmatch(r"return (?:int|other) ?(.*)", message):
        run.returned(None, "None" if found[1] == "NoneType" else found[1])
    elif found := re.fullmatch(r"raise (\d{1,9}) (.*)", message):
        run.raised(int(found[1]), found[2])
    else:
        raise DeadError


# -- the examination -----------------------------------------------------------------------------------------------------


def examine(question: Question, answer: Answer, values: Mapping[str, int]) -> list[Failure]:
    """Let an answer meet every script.

    Parameters
    ----------
    question, answer : Question, Answer
        What was asked and what was written.
    values : Mapping of str to int
        In the question's formulas.

    Returns
    -------
    list of Failure
        The first of each property, with the fewest changes by somebody else.
    """
    text = _text(answer)
    task = Task.of(question, values)
    try:
        found = _constraints(text)
        with Student(text, task.name) as student:
            return _explore(task, student, text) + found
    except RefusedError as error:
        return [Failure("", str(error), nothing=True)]
    except DeadError:
        return [Failure("", _("in the middle of the examination its process ended, or spoke out of turn"), nothing=True)]


def _text(answer: Answer) -> str:
    """The whole cell, in a reader's kernel too: what counts there is what will count in grading."""
    function = inspect.unwrap(answer.value) if callable(answer.value) else None
    code = getattr(function, "__code__", None)
    return ("".join(linecache.getlines(code.co_filename)) if code else "") or answer.text


def _constraints(text: str) -> list[Failure]:
    """What the text alone says.

    Raises
    ------
    RefusedError
        It is no Python, gives cmpxchg another meaning, or imports what is not there.
    """
    if len(text.encode(errors="replace")) >= answering.PACKET:
        raise RefusedError(_("the cell is too long"))
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        message = _("line {line} raises {error}")
        named = f"{type(error).__name__}: {getattr(error, 'msg', error)}"
        raise RefusedError(message.format(line=getattr(error, "lineno", 0), error=named)) from error
    found = {}
    for node in ast.walk(tree):
        line = getattr(node, "lineno", 0)
        if _rebinds(node):
            raise RefusedError(_("line {line} gives cmpxchg another meaning").format(line=line))
        modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        modules += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        for module in modules:
            if module.partition(".")[0] not in _MODULES:
                message = _("line {line} imports {module}; only cmpx is allowed").format(line=line, module=module)
                if module not in _THERE:
                    raise RefusedError(message)
                found[module] = message
    return [Failure("constraints", message) for message in found.values()]


def _rebinds(node: ast.AST) -> bool:
    ours = ("cmpx", "cmpxchg")
    match node:
        case ast.Import(names=names) | ast.ImportFrom(names=names):
            return any(alias.asname in ours and alias.asname != alias.name for alias in names)
        case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
            return name in ours
        case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
            return name in ours
    return False


def _explore(task: Task, student: Student, text: str) -> list[Failure]:
    found: dict[str, Failure] = {}
    torn: list[Failure] = []  # what an update in two halves returns says no more than that it has two halves
    deadline, idle = time.monotonic() + IN_ALL, True
    scripts: deque[tuple[int, dict[int, int]]] = deque((start, {}) for start in task.starts)
    while scripts and not (scripts[0][1] and idle):
        start, script = scripts.popleft()
        run = Run(task, start, script)
        try:
            student.play(run)
        except SilentError:
            run.silent()
            student.stop()
        idle &= not run.changed
        for name, (message, hint, rows) in run.failures.items():
            failure = Failure(name, message, hint, run.table(rows, text) if rows else "")
            if name == "effect" and script:
                torn.append(failure)
            else:
                found.setdefault(name, failure)
        # what somebody writes before the first operation makes another start; who goes round for ever is not led on
        if start == task.starts[0] and len(script) < CHANGES and not run.stuck:
            later = range(max(script, default=0) + 1, len(run.held) + 1)
            scripts += [(start, {**script, at: word}) for at in later for word in task.others if word != run.held[at - 1]]
        if time.monotonic() > deadline:
            message = _("it takes too long: not every script could be run")
            for name in ("safety", "effect", "progress"):
                found.setdefault(name, Failure(name, message))
            break
    if idle:
        why = found.get("effect") or Failure("", "")
        return [Failure("", _("the word never changes: there is nothing to examine"), why.message, why.trace, nothing=True)]
    if torn and "safety" not in found:
        found.setdefault("effect", torn[0])
    return [found[name] for name in ("safety", "effect", "progress", "constraints") if name in found]
