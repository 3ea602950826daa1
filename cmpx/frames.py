"""The named locals of a process that has stopped: its stack as the machine copied it, read with the help of DWARF."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cmpx.symbols import Symbols, Variable

__all__ = ["locals_of"]

_NEAR = 4096  # the machine's own code that starts a process lies so near to its entry


def locals_of(thread: Mapping[str, Any], base: int, symbols: Symbols) -> tuple[Variable, ...]:
    """The locals of a process, those of the outermost function first; their offsets are addresses.

    Unoptimised code keeps them on the stack. Of optimised code nothing is said.

    Parameters
    ----------
    thread : Mapping
        As the worker reports it: `sp`, `bytes` and where its code `stands`.
    base : int
        Where the listing was loaded.
    symbols : Symbols
        Of the build.
    """
    stack = _Stack(thread, base, symbols)
    pc = base + thread.get("stands", thread.get("pc"))  # a recording may be older than the word
    # the call of the hook left its return address; copies of it may lie below
    for address in range(stack.start, stack.end, 8):
        if stack.word(address) == pc:
            found = stack.walk(address + 8, pc)
            if found is not None:
                return found
    return ()


class _Stack:
    """One copied stack."""

    def __init__(self, thread: Mapping[str, Any], base: int, symbols: Symbols) -> None:
        self._bytes = bytes.fromhex(thread["bytes"])
        self._base = base
        self._symbols = symbols
        self.start: int = thread["sp"]
        self.end = self.start + len(self._bytes)
        # the frame that a process starts from ends with the address of the machine's entry
        self._entry = next((word for word in map(self.word, range(self.end - 8, self.end - 40, -8)) if word), 0)

    def word(self, address: int) -> int:
        """Eight bytes."""
        place = address - self.start
        return int.from_bytes(self._bytes[place : place + 8], "little") if place >= 0 else 0

    def walk(self, sp: int, pc: int, saved: int | None = None) -> tuple[Variable, ...] | None:
        """The locals of the function that was left at `pc` with its stack pointer at `sp`, and of its callers.

        Parameters
        ----------
        sp, pc : int
            The registers.
        saved : int, optional
            The frame pointer, as the function it called has saved it.
        """
        frame = self._symbols.frame(pc - self._base - 1)
        if frame is None:
            return None
        if (sp + frame.below) % frame.align:
            return None
        for gap in range(0, frame.align, 8):
            rbp = sp + frame.below + gap + frame.pushed
            if saved not in (None, rbp):
                continue
            back = self.word(rbp + 8)
            callers: tuple[Variable, ...] | None = None
            if 0 < back - self._entry < _NEAR:
                callers = ()
            elif back > self._base:
                callers = self.walk(rbp + 16, back, self.word(rbp))
            if callers is not None:
                registers = {"cfa": rbp + 16, "rbp": rbp, "rsp": sp}
                own = (replace(v, offset=registers[register] + v.offset) for register, v in frame.locals)
                return (*callers, *own)
        return None
