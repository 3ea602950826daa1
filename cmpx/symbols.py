"""What a built listing says about itself: its symbols (ELF), its lines, names and types (DWARF)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property, wraps
from io import BytesIO
from pathlib import Path
from threading import RLock
from typing import Any, Concatenate, ParamSpec, TypeVar

from elftools.dwarf.die import DIE
from elftools.elf.elffile import ELFFile

__all__ = ["Frame", "Line", "Symbols", "Variable", "intruders", "kept"]

# what a harness says, and what the machine is called by
_HARNESS = re.compile(r"cmpx_(?:process|init|invariant|finally|expect|reuse_freed)")
_MACHINE = re.compile(r"cmpx_\w+|__tsan_\w+|__sanitizer_\w+|__wrap_\w+|_init|_fini")
_WRITABLE = 1


@dataclass(frozen=True)
class Line:
    """A place in the source."""

    file: str
    line: int


@dataclass(frozen=True)
class Variable:
    """A global, or a part of one.

    Parameters
    ----------
    name : str
        As C writes it, such as ``pi.control``.
    offset, size : int
        Bytes from the start of the image, and how many. For a bit-field, those of the unit that holds it.
    kind : str
        "unsigned", "signed", "bool", "pointer" or "bytes".
    first_bit, bits : int
        A bit-field's place in its unit; 0, 0 for anything else.
    """

    name: str
    offset: int
    size: int
    kind: str
    first_bit: int = 0
    bits: int = 0


@dataclass(frozen=True)
class Frame:
    """What a function keeps on its stack at one place in its code.

    Parameters
    ----------
    pushed, below : int
        Bytes of saved registers under its frame pointer, and of everything else down to its stack pointer.
    align : int
        Where more than 8, the stack was aligned so between the two.
    locals : tuple of str and Variable
        What is in scope, the outermost first: "cfa", "rbp" or "rsp", and a variable whose offset counts from there.
    """

    pushed: int
    below: int
    align: int
    locals: tuple[tuple[str, Variable], ...]


_P = ParamSpec("_P")
_T = TypeVar("_T")


def _in_turn(method: Callable[Concatenate[Symbols, _P], _T]) -> Callable[Concatenate[Symbols, _P], _T]:
    """A method that waits for other threads: elftools reads all from one place in its file."""

    @wraps(method)
    def alone(self: Symbols, /, *arguments: _P.args, **named: _P.kwargs) -> _T:
        with self._turn:
            return method(self, *arguments, **named)

    return alone


class Symbols:
    """Symbols and debug information of one shared object.

    Parameters
    ----------
    path : Path
        The shared object.
    ours : Path
        The folder of our own headers: a line in one of them is told as the reader's line that used it.
    """

    def __init__(self, path: Path, ours: Path) -> None:
        self._elf = ELFFile(BytesIO(path.read_bytes()))
        self._ours = str(ours)
        self._turn = RLock()

    @cached_property
    @_in_turn
    def undefined(self) -> frozenset[str]:
        """The symbols that somebody else must define."""
        table: Any = self._elf.get_section_by_name(".dynsym")
        return frozenset(s.name for s in table.iter_symbols() if s["st_shndx"] == "SHN_UNDEF" and s.name)

    @property
    @_in_turn
    def has_thread_locals(self) -> bool:
        """Whether a variable is ``_Thread_local``."""
        return any(segment["p_type"] == "PT_TLS" for segment in self._elf.iter_segments())

    @cached_property
    def _dwarf(self) -> Any:
        return self._elf.get_dwarf_info()

    @cached_property
    def _dies(self) -> list[DIE]:
        return [die for unit in self._dwarf.iter_CUs() for die in unit.iter_DIEs()]

    # -- lines ---------------------------------------------------------------------------------

    @cached_property
    def _rows(self) -> list[tuple[int, str, int]]:
        rows = []
        for unit in self._dwarf.iter_CUs():
            program = self._dwarf.line_program_for_CU(unit)
            states = [entry.state for entry in program.get_entries() if entry.state is not None]
            rows += [(state.address, self._file(program, state.file), state.line) for state in states]
        return sorted(rows)

    @staticmethod
    def _file(program: Any, number: int) -> str:
        # version 4 counts both from 1, and 0 is the folder the compiler ran in
        entry = program.header.file_entry[number - 1]
        folder = program.header.include_directory[entry.dir_index - 1].decode() if entry.dir_index else ""
        name: str = entry.name.decode()
        return name if name.startswith("/") or not folder.startswith("/") else f"{folder}/{name}"

    @_in_turn
    def line(self, return_address: int) -> Line:
        """The reader's line that made the call which returns there."""
        pc = return_address - 1
        place = Line("", 0)
        for address, file, line in self._rows:
            if address > pc:
                break
            place = Line(file, line)
        for die in self._inlined(pc):
            if not place.file.startswith(self._ours):
                break
            place = Line(
                self._file(self._dwarf.line_program_for_CU(die.cu), die.attributes["DW_AT_call_file"].value),
                die.attributes["DW_AT_call_line"].value,
            )
        return place

    def _inlined(self, pc: int) -> list[DIE]:
        """The calls that were inlined around this address, the innermost first."""
        around = [d for d in self._dies if d.tag == "DW_TAG_inlined_subroutine" and self._covers(d, pc)]
        return around[::-1]

    def _covers(self, die: DIE, pc: int) -> bool:
        if "DW_AT_low_pc" in die.attributes:
            low, high = die.attributes["DW_AT_low_pc"].value, die.attributes["DW_AT_high_pc"]
            end = high.value if high.form == "DW_FORM_addr" else low + high.value
            return bool(low <= pc < end)
        if "DW_AT_ranges" in die.attributes:
            return any(low <= pc < high for low, high in self._ranges(die))
        return False

    def _ranges(self, die: DIE) -> Iterator[tuple[int, int]]:
        base = die.cu.get_top_DIE().attributes.get("DW_AT_low_pc")
        start = base.value if base else 0
        for entry in self._dwarf.range_lists().get_range_list_at_offset(die.attributes["DW_AT_ranges"].value, die.cu):
            if not hasattr(entry, "begin_offset"):
                start = entry.base_address
            elif getattr(entry, "is_absolute", False):
                yield entry.begin_offset, entry.end_offset
            else:
                yield start + entry.begin_offset, start + entry.end_offset

    # -- names ---------------------------------------------------------------------------------

    @cached_property
    @_in_turn
    def functions(self) -> dict[str, int]:
        """The functions that have code of their own: where it begins."""
        return {
            name: die.attributes["DW_AT_low_pc"].value
            for die in self._dies
            if die.tag == "DW_TAG_subprogram" and "DW_AT_low_pc" in die.attributes and (name := _name(die))
        }

    @cached_property
    @_in_turn
    def variables(self) -> tuple[Variable, ...]:
        """Every global and every part of one, the wholes before their parts."""
        found: list[tuple[list[int], list[Variable]]] = []
        for die in self._dies:
            location = die.attributes.get("DW_AT_location")
            if die.tag != "DW_TAG_variable" or location is None or location.form != "DW_FORM_exprloc":
                continue
            code = bytes(location.value)
            declared = die.get_DIE_from_attribute("DW_AT_specification") if "DW_AT_specification" in die.attributes else die
            if code[:1] == b"\x03" and len(code) == 9 and _name(declared):
                parts = self._parts(_name(declared), int.from_bytes(code[1:], "little"), _type(declared))
                place = [getattr(declared.attributes.get(f"DW_AT_decl_{what}"), "value", 0) for what in ("line", "column")]
                found.append((place, list(parts)))
        # optimised code names them backwards
        return tuple(part for _place, parts in sorted(found, key=lambda one: one[0]) for part in parts)

    def _parts(self, name: str, offset: int, die: DIE | None) -> Iterator[Variable]:
        die = _plain(die)
        size = size_of(die)
        if die is None or size == 0:
            return
        if die.tag in ("DW_TAG_structure_type", "DW_TAG_union_type"):
            if name:
                yield Variable(name, offset, size, "bytes")
            for member in die.iter_children():
                if member.tag != "DW_TAG_member":
                    continue
                yield from self._member(name, offset, member)
        elif die.tag == "DW_TAG_array_type":
            yield Variable(name, offset, size, "bytes")
            element = _type(die)
            step = size_of(element)
            for index in range(min(size // step, 64) if step else 0):
                yield from self._parts(f"{name}[{index}]", offset + index * step, element)
        else:
            yield Variable(name, offset, size, _kind(die))

    def _member(self, name: str, offset: int, member: DIE) -> Iterator[Variable]:
        attributes = member.attributes
        inner = f"{name}.{_name(member)}" if name and _name(member) else name or _name(member)
        if not _name(member):
            # an anonymous struct or union: its members are the outer one's
            inner = name
        place = attributes["DW_AT_data_member_location"].value if "DW_AT_data_member_location" in attributes else 0
        if "DW_AT_bit_size" in attributes:
            bits = attributes["DW_AT_bit_size"].value
            unit = size_of(_plain(_type(member)))
            if "DW_AT_data_bit_offset" in attributes:
                first = attributes["DW_AT_data_bit_offset"].value
            else:  # DWARF 4 and gcc count from the highest bit of the unit
                first = 8 * (place + unit) - attributes["DW_AT_bit_offset"].value - bits
            start = first // (8 * unit) * unit
            yield Variable(inner, offset + start, unit, _kind(_plain(_type(member))), first - 8 * start, bits)
            return
        parts = self._parts(inner, offset + place, _type(member))
        if _name(member):
            yield from parts
        else:
            yield from (part for part in parts if part.name != name)

    # -- locals --------------------------------------------------------------------------------

    @cache  # noqa: B019 - as long-lived as the symbols themselves
    @_in_turn
    def frame(self, pc: int) -> Frame | None:
        """The frame of the function that holds an address; None if it keeps no frame pointer."""
        for die in self._dies:
            if die.tag == "DW_TAG_subprogram" and self._covers(die, pc):
                code = self._code(die.attributes["DW_AT_low_pc"].value)
                prologue = _PROLOGUE.match(code)
                if prologue is None:
                    return None
                pushed = 8 * len(re.findall(rb"[\x50-\x57]", prologue["pushes"]))
                below = int.from_bytes(prologue["short"] or prologue["long"] or b"", "little")
                below = 256 - prologue["added"][0] if prologue["added"] else below
                align = 256 - prologue["mask"][0] if prologue["mask"] else 8
                base = "rbp" if bytes(die.attributes["DW_AT_frame_base"].value) == b"\x56" else "cfa"
                return Frame(pushed, below, align, tuple(self._in_scope(die, pc, base, "DW_TAG_formal_parameter")))
        return None

    def _code(self, address: int) -> bytes:
        text: Any = self._elf.get_section_by_name(".text")
        start: int = address - text["sh_addr"]
        return bytes(text.data()[start : start + 64])

    def _in_scope(self, scope: DIE, pc: int, base: str, *also: str) -> Iterator[tuple[str, Variable]]:
        """The reader's own variables: not those of our headers."""
        for die in scope.iter_children():
            location = die.attributes.get("DW_AT_location")
            if die.tag not in ("DW_TAG_variable", *also) or location is None or location.form != "DW_FORM_exprloc":
                continue
            code = bytes(location.value)
            declared = die.get_DIE_from_attribute("DW_AT_abstract_origin") if "DW_AT_abstract_origin" in die.attributes else die
            file = declared.attributes.get("DW_AT_decl_file")
            register = {0x91: base, 0x76: "rbp", 0x77: "rsp"}.get(code[0])
            if file is None or register is None:
                continue
            program = self._dwarf.line_program_for_CU(declared.cu)
            # a name in front of which a macro has put __ is the macro's
            if not self._file(program, file.value).startswith(self._ours) and not _name(declared).startswith("__"):
                for part in self._parts(_name(declared), _signed(code[1:]), _type(declared)):
                    yield register, part
        for die in scope.iter_children():
            if die.tag in ("DW_TAG_lexical_block", "DW_TAG_inlined_subroutine") and self._covers(die, pc):
                yield from self._in_scope(die, pc, base)

    def is_signed(self, name: str) -> bool:
        """Whether the variable of that name is a signed number."""
        return any(variable.kind == "signed" for variable in self.variables if variable.name == name)

    def name(self, offset: int, size: int) -> str:
        """What C calls these bytes: the smallest thing that holds them, and where in it they lie."""
        around = [v for v in self.variables if v.offset <= offset and offset + size <= v.offset + v.size]
        if not around:
            return ""
        exact = [v for v in around if v.offset == offset and v.size == size and not v.bits]
        if exact:
            return exact[-1].name
        fields = [v for v in around if v.bits and v.first_bit // 8 == offset - v.offset and v.bits <= 8 * size]
        if len(fields) == 1:
            return fields[0].name
        smallest = min((v for v in around if not v.bits), key=lambda v: v.size)
        return smallest.name if smallest.offset == offset else f"{smallest.name}+{offset - smallest.offset}"


# push %rbp; mov %rsp,%rbp; other pushes; and $-64,%rsp where a local needs it; sub $below,%rsp or add $-128,%rsp
_PROLOGUE = re.compile(
    rb"\x55\x48\x89\xe5(?P<pushes>(?:\x41?[\x50-\x57])*)(?:\x48\x83\xe4(?P<mask>.))?"
    rb"(?:\x48\x83\xec(?P<short>.)|\x48\x83\xc4(?P<added>.)|\x48\x81\xec(?P<long>....))?",
    re.S,
)


def _signed(code: bytes) -> int:
    """A number in signed LEB128."""
    value = shift = 0
    for byte in code:
        value |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            return value - (1 << shift) if byte & 0x40 else value
    return value


def _name(die: DIE) -> str:
    attribute = die.attributes.get("DW_AT_name")
    if attribute is None and "DW_AT_abstract_origin" in die.attributes:
        return _name(die.get_DIE_from_attribute("DW_AT_abstract_origin"))
    return attribute.value.decode() if attribute else ""


def _type(die: DIE) -> DIE | None:
    return die.get_DIE_from_attribute("DW_AT_type") if "DW_AT_type" in die.attributes else None


def _plain(die: DIE | None) -> DIE | None:
    """The type behind typedefs and qualifiers."""
    while die is not None and die.tag in ("DW_TAG_typedef", "DW_TAG_volatile_type", "DW_TAG_const_type", "DW_TAG_atomic_type"):
        die = _type(die)
    return die


def size_of(die: DIE | None) -> int:
    """Bytes of a type."""
    die = _plain(die)
    if die is None:
        return 0
    if die.tag == "DW_TAG_array_type":
        count = 1
        for bound in die.iter_children():
            if "DW_AT_upper_bound" in bound.attributes:
                count *= bound.attributes["DW_AT_upper_bound"].value + 1
            elif "DW_AT_count" in bound.attributes:
                count *= bound.attributes["DW_AT_count"].value
        return count * size_of(_type(die))
    if die.tag == "DW_TAG_pointer_type":
        return 8
    attribute = die.attributes.get("DW_AT_byte_size")
    return int(attribute.value) if attribute else 0


def _kind(die: DIE | None) -> str:
    if die is None:
        return "bytes"
    if die.tag == "DW_TAG_pointer_type":
        return "pointer"
    encoding = die.attributes["DW_AT_encoding"].value if "DW_AT_encoding" in die.attributes else 7
    return {2: "bool", 5: "signed", 6: "signed"}.get(encoding, "unsigned")


def intruders(path: Path) -> tuple[str, ...]:
    """What an object file does that only a whole listing or the machine may, each by name.

    Parameters
    ----------
    path : Path
        The object file.
    """
    elf = ELFFile(BytesIO(path.read_bytes()))
    table: Any = elf.get_section_by_name(".symtab")
    found = set()
    for symbol in table.iter_symbols():
        here = symbol["st_shndx"] != "SHN_UNDEF"
        if (_MACHINE if here else _HARNESS).fullmatch(symbol.name):
            found.add(symbol.name)
    # the compiler's own one announces the instrumentation
    at_load = sum(s.num_relocations() for s in map(_relocations, elf.iter_sections()) if s)
    return (*sorted(found), *(["__attribute__((constructor))"] if at_load > 1 else []))


def kept(path: Path) -> tuple[str, ...]:
    """The variables of an object file that outlive a call, globals and static locals, but for constant ones.

    Parameters
    ----------
    path : Path
        The object file.
    """
    elf = ELFFile(BytesIO(path.read_bytes()))
    table: Any = elf.get_section_by_name(".symtab")
    found = []
    for symbol in table.iter_symbols():
        if symbol["st_info"]["type"] == "STT_OBJECT" and isinstance(symbol["st_shndx"], int):
            section: Any = elf.get_section(symbol["st_shndx"])
            # what the loader has to write once is constant to the program
            if section["sh_flags"] & _WRITABLE and not section.name.startswith(".data.rel.ro"):
                found.append(re.sub(r"\.\d+$", "", symbol.name).rpartition(".")[2])
    return tuple(found)


def _relocations(section: Any) -> Any:
    return section if section.name.startswith((".rela.init", ".rela.fini", ".rela.preinit", ".rela.ctors")) else None
