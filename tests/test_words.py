"""Words and the cmpxchg family: an oracle in plain Python, every kind of bad argument, and who keeps which memory."""

import ctypes
import gc
import importlib.util
import inspect
import itertools
import mmap
import pickle
import sys
import tracemalloc
import types
import weakref
from collections.abc import Callable, Iterator
from contextlib import suppress
from enum import IntEnum
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cmpx import (
    PiDesc,
    _words,
    cmpxchg,
    cmpxchg64,
    cmpxchg_acquire,
    cmpxchg_relaxed,
    cmpxchg_release,
    language,
    try_cmpxchg,
    u8,
    u16,
    u32,
    u64,
    words,
    xchg,
)

WORDS = {1: u8, 2: u16, 4: u32, 8: u64}
COMPARING = [cmpxchg, cmpxchg_relaxed, cmpxchg_acquire, cmpxchg_release, try_cmpxchg, cmpxchg64]
FUNCTIONS = [*COMPARING, xchg]


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    before = language()
    language("en")
    yield
    language(before)


def address(buffer: Any) -> int:
    return ctypes.addressof(ctypes.c_char.from_buffer(buffer))


def values(size: int) -> st.SearchStrategy[int]:
    top = (1 << 8 * size) - 1
    return st.one_of(st.integers(0, top), st.sampled_from([0, 1, top >> 1, (top >> 1) + 1, top - 1, top]))


def oracle(function: Callable[..., object], held: int, old: int, new: int) -> tuple[object, int]:
    """What the function returns and what memory holds afterwards."""
    if function is xchg:
        return held, new
    ok = held == old
    return (ok, held) if function is try_cmpxchg else held, new if ok else held


def call(function: Callable[..., Any], place: object, old: int, new: int) -> Any:
    return function(place, new) if function is xchg else function(place, old, new)


class TestOracle:
    @pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.__name__)
    @pytest.mark.parametrize("size", WORDS)
    @settings(deadline=None, max_examples=50)
    @given(data=st.data())
    def test_one_call(self, function: Callable[..., object], size: int, data: st.DataObject) -> None:
        if function is cmpxchg64:
            size = 8
        held, new = data.draw(values(size)), data.draw(values(size))
        old = data.draw(st.just(held) | values(size))
        word = WORDS[size](held)
        result, left = oracle(function, held, old, new)
        assert call(function, word, old, new) == result
        assert (word.value, int(word), repr(word)) == (left, left, f"u{8 * size}({left:#x})")

    @settings(deadline=None)
    @given(
        start=st.binary(min_size=64, max_size=64),
        steps=st.lists(
            st.tuples(
                st.sampled_from([*FUNCTIONS, "write"]),
                st.sampled_from(list(WORDS)),
                st.integers(0, 63),
                st.none() | values(8),
                values(8),
                st.booleans(),
            ),
            max_size=30,
        ),
    )
    @example(start=bytes(64), steps=[(cmpxchg64, 8, 0, None, 1 << 63, True), (xchg, 1, 7, None, 1, False)])
    def test_sequences_of_overlapping_words_on_one_line(self, start: bytes, steps: list[Any]) -> None:
        """Words of every width over one cache line; after each step all 64 bytes are as the oracle has them."""
        line = memoryview(_words.block(64))
        line[:] = start
        model = bytearray(start)
        for function, size, at, old, new, as_word in steps:
            size = 8 if function is cmpxchg64 else size
            at, top = at // size * size, (1 << 8 * size) - 1
            place = WORDS[size].over(line, at)
            held = int.from_bytes(model[at : at + size], sys.byteorder)
            old, new = held if old is None else old & top, new & top
            if function == "write":
                place.value, left = new, new
            else:
                result, left = oracle(function, held, old, new)
                assert call(function, place if as_word else line[at : at + size], old, new) == result
            model[at : at + size] = left.to_bytes(size, sys.byteorder)
            assert line == model


class TestWord:
    def test_starts_at_zero(self) -> None:
        assert [word().value for word in WORDS.values()] == [0, 0, 0, 0]

    @pytest.mark.parametrize("size", WORDS)
    def test_owns_a_cache_line(self, size: int) -> None:
        words = [WORDS[size]() for _ in range(50)]
        assert all(address(word) % 64 == 0 for word in words)
        assert len({address(word) // 64 for word in words}) == 50

    @pytest.mark.parametrize("size", WORDS)
    def test_array_is_neighbours(self, size: int) -> None:
        words = WORDS[size].array(4096 // size)
        start = address(words[0])
        assert start % 64 == 0
        assert [address(word) - start for word in words] == list(range(0, 4096, size))
        assert {word.value for word in words} == {0}

    @pytest.mark.parametrize("size", WORDS)
    def test_is_a_writable_buffer(self, size: int) -> None:
        word = WORDS[size](7)
        memoryview(word)[:] = (9).to_bytes(size, sys.byteorder)
        assert word.value == 9
        assert memoryview(word).nbytes == size
        assert cmpxchg(memoryview(word), 9, 5) == 9
        assert word.value == 5

    def test_over_shares_memory(self) -> None:
        memory = bytearray(8)
        high = u32.over(memory, offset=4)
        assert u64.over(memory).value == 0
        assert cmpxchg(high, 0, 0x01020304) == 0
        assert int.from_bytes(memory[4:], sys.byteorder) == 0x01020304
        assert cmpxchg(memory, u64.over(memory).value, 1) != 0
        assert u64.over(memory).value == 1

    @pytest.mark.parametrize(
        "place",
        [
            bytearray(4),
            memoryview(bytearray(8))[4:],
            mmap.mmap(-1, 4096),
            np.zeros(3, np.uint32)[1:2],
            np.zeros((), np.uint32),
            ctypes.c_uint32(),
            (ctypes.c_uint8 * 4)(),
        ],
        ids=lambda place: type(place).__name__,
    )
    def test_any_writable_buffer_will_do(self, place: Any) -> None:
        if isinstance(place, mmap.mmap):
            place = memoryview(place)[:4]
        assert cmpxchg(place, 0, 0xFFFFFFFF) == 0
        assert try_cmpxchg(place, 0, 1) == (False, 0xFFFFFFFF)
        assert xchg(place, 3) == 0xFFFFFFFF
        assert memoryview(place).tobytes() == (3).to_bytes(4, sys.byteorder)

    @pytest.mark.parametrize("number", [np.uint8(5), np.int64(5), IntEnum("E", {"five": 5})(5)], ids=repr)
    def test_any_integer_will_do(self, number: Any) -> None:
        word = u32(number)
        assert cmpxchg(word, number, number) == 5
        word.value = number
        assert xchg(word, 0) == 5
        assert u32.over(bytearray(32), np.int8(4)).value == 0
        assert len(u32.array(number)) == 5

    def test_a_word_is_a_place(self) -> None:
        assert u32(5) != u32(5)
        with pytest.raises(TypeError, match="cannot pickle"):
            pickle.dumps(u32(5))

    def test_tried(self) -> None:
        word = u32(5)
        tried = try_cmpxchg(word, 4, 9)
        ok, seen = tried
        assert (ok, seen, tried.ok, tried.seen, bool(tried), repr(tried)) == (False, 5, False, 5, False, "(False, 5)")
        assert bool(try_cmpxchg(word, 5, 0)) is True
        assert bool(pickle.loads(pickle.dumps(tried))) is False

    @pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.__name__)
    def test_functions_are_c_and_documented(self, function: Callable[..., object]) -> None:
        assert type(function) is types.BuiltinFunctionType
        parameters = ["word", "new"] if function is xchg else ["word", "old", "new"]
        assert list(inspect.signature(function).parameters) == parameters
        assert function.__doc__
        for part in ("Raises\n------\n", "OverflowError\n", "Kernel: "):
            assert part in function.__doc__


class Evil:
    """An integer that does something first."""

    def __init__(self, act: Callable[[], object]) -> None:
        self.act = act

    def __index__(self) -> int:
        self.act()
        return 1


# value, exception, what the message must hold besides the value as shown: for words of 32 bits
NUMBERS: dict[str, tuple[object, type[Exception], list[str]]] = {
    "negative": (-1, OverflowError, ["-1", "0 to 0xffffffff", "0xffffffff"]),
    "very negative": (-(2**40), OverflowError, ["-0x10000000000", "0 to 0xffffffff"]),
    "too wide": (2**32, OverflowError, ["0x100000000", "use a wider word, or & 0xffffffff"]),
    "too wide for C": (2**64, OverflowError, ["0x10000000000000000", "0 to 0xffffffff"]),
    "too long to print": (10**6000, OverflowError, ["19932 bits"]),
    "NumPy, too wide": (np.uint64(2**32), OverflowError, ["0x100000000"]),
    "float": (5.0, TypeError, ["5.0", "int(5.0)"]),
    "nan": (float("nan"), TypeError, ["nan", "float", "give an integer"]),
    "fraction": (5.5, TypeError, ["5.5", "float", "give an integer"]),
    "str": ("5", TypeError, ["'5'", "int('5', 0)"]),
    "bytes": (b"\x05\0\0\0", TypeError, [r"b'\x05\x00\x00\x00'", "int.from_bytes"]),
    "bytearray": (bytearray(4), TypeError, ["bytearray(b", "int.from_bytes"]),
    "None": (None, TypeError, ["None", "NoneType", "give an integer"]),
    "list": ([5], TypeError, ["[5]", "list", "give an integer"]),
    "Fraction": (Fraction(5), TypeError, ["Fraction(5, 1)", "give an integer"]),
    "True": (True, TypeError, ["True", "write 1"]),
    "False": (False, TypeError, ["False", "write 0"]),
    "array": (np.array([5]), TypeError, ["array([5])", "ndarray", "give an integer"]),
    "numpy.bool": (np.True_, TypeError, ["True", "give an integer"]),
    "word": (u32(5), TypeError, ["u32(0x5)", ".value"]),
    "type": (u32, TypeError, ["u32", "give an integer"]),
    "long repr": (["x" * 999] * 999, TypeError, ["list"]),
}


def put(word: u32, value: Any) -> None:
    word.value = value


ENTRIES: dict[str, Callable[[u32, Any], object]] = {
    **{f"{f.__name__}, old": lambda word, n, f=f: f(word, n, 9) for f in COMPARING[:-1]},
    **{f"{f.__name__}, new": lambda word, n, f=f: f(word, 5, n) for f in COMPARING[:-1]},
    "a buffer, old": lambda word, n: cmpxchg(memoryview(word), n, 9),
    "xchg, new": xchg,
    "value": put,
    "u32": lambda word, n: u32(n),
}


def refused(act: Callable[[], object], kind: type[Exception], parts: list[str]) -> None:
    """`act` raises exactly `kind`, in English with these parts and in Chinese on one short line."""
    with pytest.raises(kind) as english:
        act()
    message = str(english.value)
    assert english.type is kind
    assert [part for part in parts if part not in message] == []
    language("zh")
    with pytest.raises(kind) as chinese:
        act()
    language("en")
    assert any("\u4e00" <= character <= "\u9fff" for character in str(chinese.value))
    assert not any("\u4e00" <= character <= "\u9fff" for character in message)
    assert max(len(message), len(str(chinese.value))) < 200
    assert "\n" not in message


class TestBadNumbers:
    @pytest.mark.parametrize("entry", ENTRIES)
    @pytest.mark.parametrize("number", NUMBERS)
    def test_refused_and_nothing_changed(self, entry: str, number: str) -> None:
        value, kind, parts = NUMBERS[number]
        word, *neighbours = u32.array(16)
        word.value = 5
        refused(lambda: ENTRIES[entry](word, value), kind, parts)
        assert word.value == 5
        assert {neighbour.value for neighbour in neighbours} == {0}

    @pytest.mark.parametrize("size", WORDS)
    @pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.__name__)
    def test_the_limits_of_each_width(self, function: Callable[..., object], size: int) -> None:
        if function is cmpxchg64:
            size = 8
        word, top = WORDS[size](5), (1 << 8 * size) - 1
        for wrong in (-1, top + 1):
            refused(lambda wrong=wrong: call(function, word, 5, wrong), OverflowError, [f"0 to {top:#x}"])
            refused(lambda wrong=wrong: call(function, bytearray(word), 5, wrong), OverflowError, [f"{8 * size} bits"])
        assert word.value == 5
        call(function, word, 5, top)
        assert word.value == top

    @pytest.mark.parametrize("number", [name for name, (_, kind, _) in NUMBERS.items() if kind is TypeError])
    def test_lengths_and_offsets_are_numbers_too(self, number: str) -> None:
        value, kind, parts = NUMBERS[number]
        refused(lambda: u32.array(value), kind, parts)
        refused(lambda: u32.over(bytearray(8), value), kind, parts)

    def test_what_index_raises_comes_through(self) -> None:
        word = u32(5)
        for function in FUNCTIONS[:-2]:
            with pytest.raises(ZeroDivisionError):
                call(function, word, 5, Evil(lambda: 1 / 0))
        assert word.value == 5

    def test_index_cannot_take_the_memory_away(self) -> None:
        """Whatever __index__ does to the buffer in the middle of a call, the call holds it."""
        room = bytearray(8)
        with pytest.raises(BufferError, match="re-sized"):
            cmpxchg(room, 0, Evil(room.clear))
        view = memoryview(room)
        with pytest.raises(BufferError, match="export"):
            cmpxchg(view, 0, Evil(view.release))
        word = u64.over(room)
        assert cmpxchg(word, 0, Evil(lambda: cmpxchg(word, 0, 7))) == 7
        assert room == (7).to_bytes(8, sys.byteorder)


def released() -> memoryview:
    view = memoryview(bytearray(8))
    view.release()
    return view


def closed() -> mmap.mmap:
    region = mmap.mmap(-1, 4096)
    region.close()
    return region


def read_only() -> "np.ndarray[Any, Any]":
    array = np.zeros(1, np.uint64)
    array.flags.writeable = False
    return array


# place, exception, parts of the message: refused by every function and (as far as it is about the buffer) by over
BUFFERS: dict[str, tuple[Callable[[], Any], type[Exception], list[str]]] = {
    "int": (lambda: 5, TypeError, ["5 is a number", "u64(5)"]),
    "None": (lambda: None, TypeError, ["None", "writable buffer"]),
    "str": (lambda: "12345678", TypeError, ["'12345678'", "str"]),
    "list": (lambda: [5], TypeError, ["[5]", "list"]),
    "word type": (lambda: u64, TypeError, ["u64", "writable buffer"]),
    "PiDesc": (PiDesc, TypeError, [".control"]),
    "bytes": (lambda: b"12345678", BufferError, ["b'12345678'", "bytearray(b'12345678')"]),
    "view of bytes": (lambda: memoryview(b"12345678"), BufferError, ["memory at", "read-only"]),
    "read-only array": (read_only, BufferError, ["array([0]", "read-only"]),
    "NumPy scalar": (lambda: np.uint64(5), BufferError, ["np.uint64(5)", "a[i:i+1]"]),
    "read-only mmap": (lambda: mmap.mmap(-1, 4096, access=mmap.ACCESS_READ), BufferError, ["mmap", "read-only"]),
    "gaps": (lambda: memoryview(bytearray(16))[::2], BufferError, ["memory at", "not contiguous", "a[i:i+1]"]),
    "array with gaps": (lambda: np.zeros(2, "u8")[::-1], BufferError, ["array([0, 0]", "not contiguous"]),
    "released": (released, ValueError, ["released memory", "open it again"]),
    "closed": (closed, ValueError, ["closed", "open it again"]),
}
SIZES = {
    "0 bytes": (lambda: bytearray(), ValueError, ["bytearray(b'')", "0 bytes", "1, 2, 4 or 8", ".over("]),
    "3 bytes": (lambda: bytearray(3), ValueError, ["3 bytes"]),
    "16 bytes": (lambda: np.zeros(2, "u8"), ValueError, ["array([0, 0]", "16 bytes", ".over("]),
    "a descriptor's memory": (lambda: PiDesc().memory, ValueError, ["64 bytes"]),
    "misaligned": (lambda: memoryview(bytearray(16))[3:11], ValueError, ["8 bytes", "3 further", "by 5"]),
}


class TestBadPlaces:
    @pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.__name__)
    @pytest.mark.parametrize("place", [*BUFFERS, *SIZES])
    def test_refused_by_every_function(self, place: str, function: Callable[..., object]) -> None:
        make, kind, parts = (BUFFERS | SIZES)[place]
        buffer = make()
        refused(lambda: call(function, buffer, 0, 1), kind, parts)

    @pytest.mark.parametrize("place", BUFFERS)
    def test_refused_by_over(self, place: str) -> None:
        make, kind, parts = BUFFERS[place]
        refused(lambda: u64.over(make()), kind, parts)

    def test_the_cause_is_kept(self) -> None:
        with pytest.raises(ValueError, match="open it again") as error:
            cmpxchg(released(), 0, 1)
        assert "released memoryview" in str(error.value.__cause__)

    @pytest.mark.parametrize("place", [u8(5), u16(5), u32(5), bytearray(4)], ids=repr)
    def test_cmpxchg64_takes_8_bytes(self, place: Any) -> None:
        before = bytes(place)
        size = len(before)
        refused(lambda: cmpxchg64(place, 0, 1), TypeError, [repr(place), f"{size} bytes", "use cmpxchg"])
        assert bytes(place) == before

    @pytest.mark.parametrize(
        ("offset", "parts"),
        [
            (-1, ["offset -1", "0 to 12"]),
            (13, ["offset 13", "20 bytes", "0 to 12"]),
            (20, ["offset 20"]),
            (2**63 - 1, ["offset 0x7fffffffffffffff"]),
            (-(2**63), ["offset -0x8000000000000000"]),
            (2**64 + 8, ["offset 0x10000000000000008"]),
            (-(2**70), ["offset -0x400000000000000000"]),
            pytest.param(10**6000, ["19932 bits"], id="long"),
            (3, ["3 further", "by 5"]),
            (12, ["4 further", "by 4"]),
        ],
    )
    def test_offsets(self, offset: int, parts: list[str]) -> None:
        memory = bytearray(20)
        refused(lambda: u64.over(memory, offset), ValueError, parts)
        memory.append(1)  # and the buffer is not held

    def test_too_short(self) -> None:
        refused(lambda: u64.over(bytearray(7)), ValueError, ["7 bytes", "too few for a word of 8"])
        refused(lambda: u8.over(bytearray()), ValueError, ["0 bytes", "too few for a word of 1"])

    @pytest.mark.parametrize("length", [0, -1, 513, 2**31, 2**70, pytest.param(10**6000, id="long")])
    def test_lengths(self, length: int) -> None:
        refused(lambda: u64.array(length), ValueError, ["1 to 512"])

    @pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.__name__)
    @pytest.mark.parametrize("count", range(6))
    def test_count_of_arguments(self, function: Callable[..., object], count: int) -> None:
        if count == len(inspect.signature(function).parameters):
            return
        usage = "(word, new)" if function is xchg else "(word, old, new)"
        word = u64(5)
        refused(lambda: function(*[word, 5, 6, 7, 8][:count]), TypeError, [function.__name__ + usage, f"{count} arguments"])
        assert word.value == 5

    def test_a_value_cannot_be_deleted(self) -> None:
        word = u32(5)

        def delete() -> None:
            del word.value

        refused(delete, AttributeError, ["x.value = 0"])
        assert word.value == 5


class Owner(bytearray):
    """A buffer that can be watched and can hold its own word."""

    word: object


def settle() -> None:
    """Empty what grows by itself: cycles, and the interpreter's cache of looked-up names."""
    gc.collect()
    sys._clear_type_cache()


class TestLifetime:
    def test_a_word_outlives_its_owner(self) -> None:
        """The memory stays that of the word while thousands of others come and go."""
        survivors = [u64.array(8)[3], u64.over(bytearray(64), 8), PiDesc().control, u64.over(np.zeros(8, "u8"), 16)]
        for i, word in enumerate(survivors):
            word.value = i + 1
        gc.collect()
        litter = [bytearray(b"\xff" * 64) for _ in range(20_000)]
        assert [cmpxchg(word, i + 1, i + 2) for i, word in enumerate(survivors)] == [1, 2, 3, 4]
        assert [word.value for word in survivors] == [2, 3, 4, 5]
        del litter

    def test_the_owner_cannot_take_the_memory_away(self) -> None:
        array, region, room = bytearray(8), mmap.mmap(-1, 4096), bytearray(8)
        view = memoryview(room)
        words = [u64.over(array), u64.over(region), u64.over(view)]
        for act in (array.clear, lambda: array.extend(bytes(99)), region.close, lambda: region.resize(8192), view.release):
            with pytest.raises(BufferError, match=r"export|re-sized"):
                act()
        assert [cmpxchg(word, 0, 1) for word in words] == [0, 0, 0]
        del words
        array.clear()
        region.close()
        view.release()

    def test_calls_hold_nothing(self) -> None:
        memory = bytearray(8)
        for function in FUNCTIONS:
            call(function, memory, 0, 0)
            with pytest.raises(OverflowError):
                call(function, memory, 0, -1)
        memory.clear()

    @pytest.mark.parametrize("wrap", [lambda owner: owner, memoryview], ids=["owner", "view of it"])
    def test_cycles_are_collected(self, wrap: Callable[[Owner], Any]) -> None:
        owner = Owner(8)
        owner.word = u64.over(wrap(owner))
        gone = weakref.ref(owner)
        del owner
        gc.collect()
        assert gone() is None

    def test_a_subclass_of_a_word_is_a_word(self) -> None:
        class Named(u64):
            pass

        word = Named(5)
        word.itself = word
        gone = weakref.ref(word)
        assert (cmpxchg(word, 5, 6), repr(word)) == (5, "Named(0x6)")
        del word
        gc.collect()
        assert gone() is None

    def test_nothing_leaks(self) -> None:
        """Every road, good and bad: no memory and no reference is left behind."""
        big = 2**40 + 5
        watched: list[Any] = [u8, u16, u32, u64, _words.Word, _words, words, None, True, False, big, cmpxchg]
        watched += [BufferError, OverflowError, TypeError, ValueError]
        array = bytearray(64)

        def every_road() -> None:
            word, *_ = u64.array(8)
            over = u32.over(array, 4)
            for function in FUNCTIONS:
                call(function, word, big, big + 1)
                call(function, memoryview(array)[:8], big, big)
            word.value, over.value = big, int(word) & 0xFF
            repr(word)
            bad = itertools.chain(
                ((u64(), value, 1) for value, _, _ in NUMBERS.values() if value != 2**32),
                ((make(), 0, 1) for make, _, _ in (BUFFERS | SIZES).values() if make is not PiDesc),
                [(over, big, 1)],
            )
            for place, old, new in bad:
                with suppress(TypeError, ValueError, OverflowError, BufferError):
                    cmpxchg(place, old, new)
                with suppress(TypeError, ValueError, BufferError):
                    u64.over(place, old)

        every_road()
        tracemalloc.start()
        try:
            every_road()
            settle()
            before, counts = tracemalloc.get_traced_memory()[0], [sys.getrefcount(thing) for thing in watched]
            for _ in range(300):
                every_road()
            settle()
            grown = tracemalloc.get_traced_memory()[0] - before
            left = [sys.getrefcount(thing) - count for thing, count in zip(watched, counts, strict=True)]
        finally:
            tracemalloc.stop()
        assert grown < 300 * 16
        assert all(abs(count) < 25 for count in left), left

    def test_the_module_can_be_loaded_again_and_freed(self) -> None:
        spec = importlib.util.find_spec("cmpx._words")
        assert spec
        assert spec.loader
        gone = []
        for _ in range(5):
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
            word = module.Word(bytearray(8), 0, 8)
            assert module.cmpxchg(word, 0, 5) == 0
            assert module.try_cmpxchg(word, 5, 6)
            assert cmpxchg(word, 6, 7) == 6  # to the first module it is a buffer like any other
            gone.append(weakref.ref(module.Word))
        del module, word
        gc.collect()
        assert [reference() for reference in gone[:-1]] == [None] * 4
