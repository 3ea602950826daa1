"""The instructions that a compiler made of a function: of any listing on this machine, of a few functions on others."""

import json
import platform
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from capstone import CS_ARCH_X86, CS_MODE_64, CS_OPT_SYNTAX_ATT, Cs  # type: ignore[import-untyped]
from elftools.elf.elffile import ELFFile

from cmpx.languages import _
from cmpx.listings import Listing
from cmpx.stored import begin, find
from cmpx.toolchain import NoCompilerError

__all__ = ["RECORDING", "Assembly", "disassemble", "emitted"]

RECORDING = Path(__file__).parent / "recordings" / "assembly.json"


@dataclass(frozen=True)
class Assembly:
    """A function in machine language.

    Parameters
    ----------
    title : str
        Its name, and what compiled it for which machine.
    instructions : tuple of (int, str, str)
        Of each one the offset in the function, the bytes in hexadecimal and the text.
    """

    title: str
    instructions: tuple[tuple[int, str, str], ...]

    def __repr__(self) -> str:
        width = max(len(code) for _offset, code, _text in self.instructions)
        return "\n".join([self.title, *(f"  {offset:4x}  {code:{width}}  {text}" for offset, code, text in self.instructions)])


def disassemble(listing: Listing, function: str, optimise: int | str = 2) -> Assembly:
    """Compile a listing as for a race and take one of its functions apart.

    Parameters
    ----------
    listing : Listing
        Where it stands.
    function : str
        Its name. A PROCESS is one too; a function that the compiler built into its callers is none any more.
    optimise : int or str
        The compiler's level.

    Raises
    ------
    ValueError
        There is no such function; the message lists those that are there.
    NoCompilerError
        There is no compiler here, or no x86-64, and no stored result for this listing.
    """
    job = listing.job("disassemble", optimise, {"function": function})
    try:
        if platform.machine() != "x86_64":
            raise NoCompilerError(_("disassemble() knows x86-64 only; emitted(function, machine) has others, stored"))
        build = listing.build_native(optimise)
    except NoCompilerError:
        found = find(job)
        if found is None:
            raise
        answer, title = found.answer, found.title
    else:
        answer, title = _take_apart(build.path, function), build.title
        begin(job, build, answer)
    return Assembly(f"{function} · x86-64 · {title}", tuple((o, c, t) for o, c, t in answer["instructions"]))


def _take_apart(path: Path, function: str) -> dict[str, Any]:
    elf = ELFFile(BytesIO(path.read_bytes()))
    table: Any = elf.get_section_by_name(".symtab")
    functions = {s.name: s for s in table.iter_symbols() if s["st_info"]["type"] == "STT_FUNC" and s["st_size"]}
    functions = {name.removesuffix("_process"): symbol for name, symbol in functions.items() if not name.endswith("_at_load")}
    if function not in functions:
        names = ", ".join(sorted(functions))
        raise ValueError(_("no function {name!r} here; there are {names}").format(name=function, names=names))
    symbol = functions[function]
    section: Any = elf.get_section(symbol["st_shndx"])
    start = symbol["st_value"] - section["sh_addr"]
    reader = Cs(CS_ARCH_X86, CS_MODE_64)
    reader.syntax = CS_OPT_SYNTAX_ATT
    # counted from 0, so that a branch names an offset in the function
    each = reader.disasm(section.data()[start : start + symbol["st_size"]], 0)
    return {"instructions": [(i.address, i.bytes.hex(" "), f"{i.mnemonic:8} {i.op_str}".rstrip()) for i in each]}


def emitted(function: str, machine: str = "x86-64") -> Assembly:
    """What a compiler makes of a function of ``emitted.h``: compiled now for x86-64, stored for the other machines.

    Parameters
    ----------
    function : {"found", "swapped", "weakly", "exchanged", "counted"}
        See ``source("emitted.h")``.
    machine : {"x86-64", "i386", "arm64", "arm64 LSE", "arm64 any", "riscv64"}
        "arm64" is for the first processors of that architecture, "arm64 LSE" for those with atomic instructions, "arm64 any"
        for both.
    """
    if machine == "x86-64":
        return disassemble(Listing('#include "emitted.h"\n', name="emitted"), function)
    stored: dict[str, Any] = json.loads(RECORDING.read_text(encoding="utf-8"))["machines"]
    if machine not in stored:
        message = _("{name} is {value!r}; choose one of {names}")
        raise ValueError(message.format(name="machine", value=machine, names=", ".join(["x86-64", *stored])))
    functions = stored[machine]["functions"]
    if function not in functions:
        message = _("no function {name!r} here; there are {names}")
        raise ValueError(message.format(name=function, names=", ".join(functions)))
    title = f"{function} · {machine} · {stored[machine]['compiler']}\n  {stored[machine]['command']}"
    return Assembly(title, tuple((offset, code, text) for offset, code, text in functions[function]))
