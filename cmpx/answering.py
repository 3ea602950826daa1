"""The process in which a student's Python runs: cmpx/adversary.py starts it, as a script, with -I -S.

It knows no script and gives no verdict. The word that the student's function gets is a conversation with the parent process,
one packet a message, and whatever a function may do to this process, it can say no more than it could by calling cmpxchg. A
seccomp filter keeps it from everything else.
"""

import __future__  # noqa: F401 (what an answer imports must be here before the filter is)

import ctypes
import functools  # noqa: F401
import itertools  # noqa: F401
import math  # noqa: F401
import os
import resource
import struct
import sys
import threading  # noqa: F401
import time  # noqa: F401
from collections.abc import Callable
from operator import index
from types import FrameType, ModuleType

ANSWER = "<answer>"
PACKET = 1 << 16
OTHERS = ("cmpxchg64", "cmpxchg_acquire", "cmpxchg_relaxed", "cmpxchg_release", "try_cmpxchg", "xchg")
_LIMITS = {
    resource.RLIMIT_AS: 512 << 20,
    resource.RLIMIT_CORE: 0,
    resource.RLIMIT_CPU: 20,
    resource.RLIMIT_FSIZE: 0,
}
# x86-64: what computing, memory, clocks and the channel need
_CALLS = {
    "read": 0, "write": 1, "close": 3, "fstat": 5, "lseek": 8, "mmap": 9, "mprotect": 10, "munmap": 11, "brk": 12,
    "rt_sigaction": 13, "rt_sigprocmask": 14, "rt_sigreturn": 15, "sched_yield": 24, "mremap": 25, "madvise": 28,
    "getpid": 39, "exit": 60, "sigaltstack": 131, "gettid": 186, "futex": 202, "clock_gettime": 228,
    "clock_nanosleep": 230, "exit_group": 231, "getrandom": 318,
}  # fmt: skip


def limit() -> None:
    """Set the limits, but none above what whoever started this process allows."""
    for kind, most in _LIMITS.items():
        hard = resource.getrlimit(kind)[1]
        value = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (value, value))


def confine() -> bool:
    """Let every other system call fail with EPERM, for good: no file, no process, no network."""
    load, equal, leave = 0x20, 0x15, 0x06
    allowed, refused = 0x7FFF0000, 0x00050001
    rules = [(load, 0, 0, 4), (equal, 1, 0, 0xC000003E), (leave, 0, 0, refused), (load, 0, 0, 0)]
    for number in _CALLS.values():
        rules += [(equal, 0, 1, number), (leave, 0, 0, allowed)]
    rules.append((leave, 0, 0, refused))
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *rule) for rule in rules))
    program = ctypes.create_string_buffer(struct.pack("HP", len(rules), ctypes.addressof(code)))
    prctl = ctypes.CDLL(None).prctl
    prctl.argtypes = [ctypes.c_int, *[ctypes.c_ulong] * 4]
    return not prctl(38, 1, 0, 0, 0) and not prctl(22, 2, ctypes.addressof(program), 0, 0)


class Stop(BaseException):
    """The parent has seen enough of this call."""


def ask(message: str) -> int:
    """Say what the function does, and in which line of the answer, and wait for what comes of it."""
    frame: FrameType | None = sys._getframe()
    while frame is not None and frame.f_code.co_filename != ANSWER:
        frame = frame.f_back
    os.write(channel, f"{message} {frame.f_lineno if frame else 0}".encode())
    said = os.read(channel, PACKET)
    if said == b"stop":
        raise Stop
    return int(said)


class Word:
    """A word of the cell's own, to try things out."""

    most = 0xFF

    def __init__(self, value: int = 0) -> None:
        self.held = self.fit(value)

    def fit(self, number: int) -> int:
        """The number, if the word can hold it."""
        number = index(number)
        if not 0 <= number <= self.most:
            raise OverflowError(f"{number} does not fit: the word holds 0 to {self.most:#x}")
        return number

    def load(self) -> int:
        """What it holds."""
        return self.held

    def swap(self, new: int) -> int:
        """Replace it, whatever it is."""
        old, self.held = self.held, new
        return old

    def compare(self, old: int, new: int) -> int:
        """Replace it if it is `old`."""
        return self.swap(new) if self.held == old else self.held

    def __int__(self) -> int:
        return self.load()

    @property
    def value(self) -> int:
        """What it holds."""
        return self.load()

    @value.setter
    def value(self, new: int) -> None:
        self.swap(self.fit(new))


class Examined(Word):
    """The word that the parent has."""

    def __init__(self) -> None:
        pass

    def load(self) -> int:
        """Ask for it."""
        return ask("read")

    def swap(self, new: int) -> int:
        """Have it replaced."""
        return ask(f"store {new}")

    def compare(self, old: int, new: int) -> int:
        """Have it compared."""
        return ask(f"cmpxchg {old} {new}")


def place(word: Word) -> Word:
    """The word, if it is one."""
    if not isinstance(word, Word):
        raise TypeError(f"{word!r} is not a word; the word is x itself, not x.value")
    return word


def cmpxchg(word: Word, old: int, new: int, /) -> int:
    """The book's cmpxchg, on a word of this process."""
    return place(word).compare(word.fit(old), word.fit(new))


def other(name: str) -> None:
    """Own up to a function that the question does not allow."""
    ask(f"call {name}")


def xchg(word: Word, new: int, /) -> int:
    """The book's xchg."""
    other("xchg")
    return place(word).swap(word.fit(new))


def try_cmpxchg(word: Word, old: int, new: int, /) -> tuple[bool, int]:
    """The book's try_cmpxchg."""
    other("try_cmpxchg")
    seen = cmpxchg(word, old, new)
    return seen == old, seen


class Book(ModuleType):
    """What stands for cmpx here; its names stay as they are."""

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"cmpx.{name} stays as it is")


def cousin(name: str) -> Callable[[Word, int, int], int]:
    """Another form of cmpxchg."""

    def call(word: Word, old: int, new: int, /) -> int:
        other(name)
        return cmpxchg(word, old, new)

    return call


def book() -> Book:
    """The part of cmpx that an answer may import, and more of its functions than it may call."""
    module = Book("cmpx")
    vars(module).update({name: cousin(name) for name in OTHERS})
    words = {f"u{bits}": type(f"u{bits}", (Word,), {"most": (1 << bits) - 1}) for bits in (8, 16, 32, 64)}
    vars(module).update(words, cmpxchg=cmpxchg, try_cmpxchg=try_cmpxchg, xchg=xchg)
    return module


def said(result: object) -> str:
    """A result on one short line: only numbers and truth values are told in full."""
    kind = type(result)
    return f"{kind.__name__} {result}"[:80] if kind in (int, bool) else f"other {kind.__name__}"


def serve() -> None:
    """Run the answer once, then its function as often as the parent asks."""
    text, name = os.read(channel, PACKET).decode(), os.read(channel, PACKET).decode()
    module = book()
    sys.modules.update({"cmpx": module, "cmpx.words": module})
    namespace: dict[str, object] = {"__name__": "__main__", "cmpxchg": cmpxchg, "u8": module.u8}
    try:
        exec(compile(text, ANSWER, "exec"), namespace)
        message = "ready" if name in namespace else "missing"
    except BaseException as error:
        message = raised(error)
    while True:
        os.write(channel, message.encode(errors="replace"))
        arguments = map(int, os.read(channel, PACKET).split())
        try:
            message = f"return {said(namespace[name](Examined(), *arguments))}"  # type: ignore[operator]
        except BaseException as error:
            message = raised(error)


def raised(error: BaseException) -> str:
    """An exception on one line, and the line of the answer that it comes from."""
    traceback, where = error.__traceback__, 0
    while traceback is not None:
        if traceback.tb_frame.f_code.co_filename == ANSWER:
            where = traceback.tb_lineno
        traceback = traceback.tb_next
    if isinstance(error, SyntaxError):
        where = error.lineno or 0
    return f"raise {where} {type(error).__name__}: {' '.join(str(error).split())}"[:300].rstrip(": ")


if __name__ == "__main__":
    channel = int(sys.argv[1])
    limit()
    if confine():
        serve()
    os.write(channel, b"unconfined")
    while os.read(channel, PACKET):  # to end with packets unread would take back what was said
        pass
