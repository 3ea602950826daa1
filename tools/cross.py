"""Store what compilers for other machines make of csrc/listings/emitted.h: python tools/cross.py.

Needs Debian's gcc-i686-linux-gnu, gcc-aarch64-linux-gnu and gcc-riscv64-linux-gnu.
"""

import hashlib
import json
import re
import subprocess
from tempfile import TemporaryDirectory
from typing import Any

from cmpx.assembly import RECORDING
from cmpx.sources import CSRC

MACHINES = {
    "i386": ("i686-linux-gnu", "-O2 -march=i686"),
    "arm64": ("aarch64-linux-gnu", "-O2 -mno-outline-atomics"),
    "arm64 LSE": ("aarch64-linux-gnu", "-O2 -march=armv8.1-a"),
    "arm64 any": ("aarch64-linux-gnu", "-O2"),
    "riscv64": ("riscv64-linux-gnu", "-O2"),
}
HEADER = CSRC / "listings/emitted.h"

_LABEL = re.compile(r"([0-9a-f]+) <([^>]+)>:")
_INSTRUCTION = re.compile(r"\s*([0-9a-f]+):\t([0-9a-f ]+?)\s*\t(.+)")
_TARGET = re.compile(r"\b([0-9a-f]+) <[^>]*>")


def digest() -> str:
    """Changes when the functions do."""
    return hashlib.sha256(HEADER.read_bytes()).hexdigest()


def compiled(target: str, flags: str) -> dict[str, Any]:
    """The functions as one cross compiler builds them.

    Parameters
    ----------
    target : str
        How the names of its tools begin.
    flags : str
        Its options.
    """
    command = f"{target}-gcc {flags} -c emitted.h"
    with TemporaryDirectory() as folder:
        there = ["-x", "c", str(HEADER), f"-I{CSRC / 'include'}", "-o", "emitted.o"]
        subprocess.run([f"{target}-gcc", *flags.split(), "-std=gnu11", "-c", *there], cwd=folder, check=True)
        said = subprocess.run([f"{target}-objdump", "-dr", "emitted.o"], cwd=folder, capture_output=True, text=True, check=True)
        version = subprocess.run([f"{target}-gcc", "-dumpfullversion"], capture_output=True, text=True, check=True)
    functions: dict[str, list[tuple[int, str, str]]] = {}
    start, name = 0, ""
    for line in said.stdout.splitlines():
        if (label := _LABEL.fullmatch(line)) and not label[2].startswith("."):
            start, name = int(label[1], 16), label[2]
            functions[name] = []
        elif found := _INSTRUCTION.fullmatch(line):
            text = re.sub(r"\s*//.*|\s*#\s.*", "", found[3])
            if branch := _TARGET.search(text):
                text = f"{text[: branch.start()]}{int(branch[1], 16) - start:#x}"
            mnemonic, _space, operands = text.partition("\t")
            functions[name].append((int(found[1], 16) - start, found[2], f"{mnemonic:8} {operands}".rstrip()))
        elif found := re.search(r"R_AARCH64_CALL26\s+(\w+)", line):
            offset, code, _text = functions[name][-1]
            functions[name][-1] = (offset, code, f"{'bl':8} {found[1]}")
    for instructions in functions.values():
        # what only fills up to where the next function begins
        while instructions[-1][2].startswith(("nop", "lea ", "xchg   %ax,%ax")):
            instructions.pop()
    return {"compiler": f"gcc {version.stdout.strip()}", "command": command, "functions": functions}


if __name__ == "__main__":
    machines = {machine: compiled(*how) for machine, how in MACHINES.items()}
    RECORDING.write_text(json.dumps({"source": digest(), "machines": machines}, indent=0) + "\n", encoding="utf-8")
