"""Words in native memory and the kernel's cmpxchg family on them; here are the words, the calls are C."""

import operator
import reprlib
from typing import TYPE_CHECKING, ClassVar, NoReturn, Self, SupportsIndex

from cmpx._words import (
    Word,
    block,
    cmpxchg,
    cmpxchg64,
    cmpxchg_acquire,
    cmpxchg_relaxed,
    cmpxchg_release,
    try_cmpxchg,
    xchg,
)
from cmpx.languages import _

if TYPE_CHECKING:
    from typing_extensions import Buffer

__all__ = [
    "Tried",
    "cmpxchg",
    "cmpxchg64",
    "cmpxchg_acquire",
    "cmpxchg_relaxed",
    "cmpxchg_release",
    "try_cmpxchg",
    "u8",
    "u16",
    "u32",
    "u64",
    "xchg",
]

_PAGE = 4096
_shortener = reprlib.Repr()
_shortener.maxother = 60


class Tried(tuple[bool, int]):
    """What try_cmpxchg found, (ok, seen): true if `new` was stored."""

    __slots__ = ()

    @property
    def ok(self) -> bool:
        """Whether `new` was stored."""
        return self[0]

    @property
    def seen(self) -> int:
        """The value found: the next attempt starts from it."""
        return self[1]

    def __bool__(self) -> bool:
        return self[0]


class _Sized(Word):
    __slots__ = ()
    _size: ClassVar[int]

    def __new__(cls, value: SupportsIndex = 0, /) -> Self:
        word = cls.over(block(cls._size))
        word.value = value
        return word

    @classmethod
    def array(cls, length: SupportsIndex, /) -> tuple[Self, ...]:
        """Neighbours in one block that starts on a cache line: they share lines on purpose.

        Parameters
        ----------
        length : int
            How many. Together they fit a page of 4096 bytes.

        Raises
        ------
        ValueError
            They do not, or there are none.
        """
        n, most = _index(length), _PAGE // cls._size
        if not 1 <= n <= most:
            message = _("an array of {n} words is impossible here; ask for 1 to {most}")
            raise ValueError(message.format(n=_show(n), most=most))
        memory = block(n * cls._size)
        return tuple(cls.over(memory, i * cls._size) for i in range(n))

    @classmethod
    def over(cls, buffer: "Buffer", offset: SupportsIndex = 0) -> Self:
        """The word that lies in a buffer: no copy, so whoever writes there writes the word.

        The buffer stays exported for as long as the word lives: its owner cannot be freed, and Python answers an attempt to
        resize, release or close it with BufferError. (NumPy's ``resize(refcheck=False)`` does not ask: keep away from it.)

        Parameters
        ----------
        buffer : writable buffer
            A bytearray, an mmap, a NumPy array, a ctypes object, ``PiDesc.memory``, ...
        offset : int
            Where the word starts, in bytes. Its address must be a multiple of its size: an x86 CPU would lock the whole bus
            for an atomic across two cache lines, others stop the program.

        Raises
        ------
        TypeError
            It is no buffer.
        BufferError
            It is read-only or not contiguous.
        ValueError
            It is closed, or the word would lie outside or misaligned.
        """
        return Word.__new__(cls, buffer, _index(offset), cls._size)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.value:#x})"


class u8(_Sized):  # noqa: N801
    """A word of 1 byte in native memory, 0 to 0xff; u8(5) makes one, alone on its cache line."""

    __slots__ = ()
    _size = 1


class u16(_Sized):  # noqa: N801
    """A word of 2 bytes in native memory, 0 to 0xffff; u16(5) makes one, alone on its cache line."""

    __slots__ = ()
    _size = 2


class u32(_Sized):  # noqa: N801
    """A word of 4 bytes in native memory, 0 to 0xffffffff; u32(5) makes one, alone on its cache line."""

    __slots__ = ()
    _size = 4


class u64(_Sized):  # noqa: N801
    """A word of 8 bytes in native memory, 0 to 0xffffffffffffffff; u64(5) makes one, alone on its cache line."""

    __slots__ = ()
    _size = 8


def _index(value: SupportsIndex) -> int:
    if isinstance(value, bool):
        _not_a_number(value)
    try:
        return operator.index(value)
    except TypeError:
        _not_a_number(value)


def _show(value: object) -> str:
    """`value` on one short line, whatever it is: a repr may be long, or raise."""
    if not isinstance(value, int):
        line = " ".join(_shortener.repr(value).split())
        return line if len(line) <= 60 else line[:57] + "..."
    bits = value.bit_length()
    return str(value) if bits <= 32 else hex(value) if bits <= 128 else _("an integer of {bits} bits").format(bits=bits)


# From here on: what csrc/words.c calls to raise.


def _not_a_number(value: object) -> NoReturn:
    match value:
        case bool():
            message = _("{value} is not a number here; write {number:d}")
        case Word():
            message = _("{value} is a word, not a number; what it holds is its .value")
        case float() if value.is_integer():
            message = _("{value} is a float; an atomic works on integers, so write int({value}) if you mean that")
        case str():
            message = _("{value} is text; int({value}, 0) makes a number of it")
        case bytes() | bytearray() | memoryview():
            message = _("{value} is bytes; int.from_bytes(..., 'little') makes a number of them")
        case _:
            message = _("{value} is of type {type}; give an integer")
    raise TypeError(message.format(value=_show(value), number=value, type=type(value).__name__))


def _out_of_range(value: int, size: int) -> NoReturn:
    most = (1 << 8 * size) - 1
    if value >= 0:
        message = _("{value} is too wide: a word of {bits} bits holds 0 to {most:#x}; use a wider word, or & {most:#x}")
    elif value < -most // 2:
        message = _("{value} is negative: a word of {bits} bits holds 0 to {most:#x}")
    else:
        message = _("{value} is negative: a word of {bits} bits holds 0 to {most:#x}; the same bits are {same:#x}")
    raise OverflowError(message.format(value=_show(value), bits=8 * size, most=most, same=value & most))


def _not_a_buffer(value: object) -> NoReturn:
    match value:
        case int():
            message = _("{value} is a number, not a place in memory; make a word of it: x = u64({value})")
        case object(control=Word()):
            message = _("{value} is more than one word; name the one you mean: .control")
        case _:
            message = _("{value} is of type {type}, not a place in memory; use a u8, u16, u32, u64 or a writable buffer")
    raise TypeError(message.format(value=_show(value), type=type(value).__name__))


def _no_access(buffer: "Buffer", cause: Exception) -> NoReturn:
    try:
        view = memoryview(buffer)
    except ValueError:
        message = _("{value} is released or closed; open it again and take the word from there")
        raise ValueError(message.format(value=_show(buffer))) from cause
    if not view.readonly:
        message = _("{value} is not contiguous: its bytes lie apart; take one element, as in a[i:i+1]")
    elif any(kind.__module__ == "numpy" and kind.__name__ == "generic" for kind in type(buffer).__mro__):
        message = _("{value} is a NumPy scalar, a read-only copy; take a slice of one element, as in a[i:i+1]")
    elif isinstance(buffer, bytes):
        message = _("{value} is bytes, which never change; use bytearray({value})")
    else:
        message = _("{value} is read-only; even a failing cmpxchg needs memory that may be written")
    raise BufferError(message.format(value=_show(buffer))) from cause


def _wrong_size(buffer: object, size: int) -> NoReturn:
    message = _("{value} has {size} bytes, an atomic takes 1, 2, 4 or 8; take a part of it: u32.over(buffer, offset)")
    raise ValueError(message.format(value=_show(buffer), size=size))


def _outside(buffer: object, nbytes: int, offset: int, size: int) -> NoReturn:
    if nbytes < size:
        message = _("{value} has {nbytes} bytes, too few for a word of {size}; use a narrower word or a longer buffer")
    else:
        message = _("offset {offset} is outside: {value} has {nbytes} bytes; use 0 to {last} for a word of {size}")
    raise ValueError(message.format(value=_show(buffer), nbytes=nbytes, offset=_show(offset), size=size, last=nbytes - size))


def _misaligned(size: int, over: int) -> NoReturn:
    message = _("a word of {size} bytes starts at a multiple of {size}, this one {over} further; move it on by {rest}")
    raise ValueError(message.format(size=size, over=over, rest=size - over))


def _not_64(word: object, size: int) -> NoReturn:
    raise TypeError(_("{word} has {size} bytes and cmpxchg64 takes 8; use cmpxchg").format(word=_show(word), size=size))


def _wrong_count(usage: str, count: int) -> NoReturn:
    raise TypeError(_("write {usage}; this call has {count} arguments").format(usage=usage, count=count))


def _no_delete() -> NoReturn:
    raise AttributeError(_("a word always holds a number; write x.value = 0"))
