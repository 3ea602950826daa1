"""What an answer in C may not say, looked for behind the preprocessor, where no macro, spliced line or odd quote hides it.

The machine sees what the compiler tells it. Assembly, some attributes and a few builtins keep an access from it; a file that
is no header of the book would be shown to the student by the compiler's messages.
"""

import re
from collections.abc import Iterator

__all__ = ["entered", "smuggled"]

_STRING = re.compile(r"\b(?:u8|[uUL])?R(?=\")|'(?:\\.|[^'\\\n])*'|\"(?:\\.|[^\"\\\n])*\"")
_MARKER = re.compile(r'^# \d+ "(?P<file>(?:\\.|[^"\\\n])*)"(?P<flags>[ \d]*)$', re.M)
_DIRECTIVE = re.compile(r"^#(?! \d+ \"| ?pragma (?:GCC diagnostic|clang diagnostic|pack)\b)[^\n]*", re.M)
# without a template, or as cpu_relax, it does nothing to memory
_ASM = re.compile(r"\b(?:asm|__asm|__asm__)\b(?!(?:\s|\bvolatile\b|\b__volatile__\b)*\(\s*\"(?:pause|yield)?\"\s*[:)])")
_NAME = re.compile(
    r"\b(?:__seg_[fg]s|__builtin_(?:ia32|apply|return|setjmp|longjmp|nonlocal|eh|unwind|dwarf|init_dwarf|frame|extract_return"
    r"|frob_return|thread_pointer|set_thread_pointer)\w*)"
)
_ATTRIBUTE = re.compile(r"\b__attribute(?:__)?\s*\(\s*\(|(?:\[|<:)\s*(?:\[|<:)")
_RAW = re.compile("R-string")
_TOKEN = re.compile(r"\w+|[^\w\s]")
_HARMLESS = {
    "aligned", "always_inline", "assume_aligned", "clang", "cold", "const", "deprecated", "fallthrough", "format", "gnu",
    "gnu_inline", "hot", "malloc", "may_alias", "maybe_unused", "mode", "nodiscard", "noinline", "nonnull", "noreturn",
    "nothrow", "packed", "pure", "returns_nonnull", "transparent_union", "unused", "used", "vector_size",
    "warn_unused_result",
}  # fmt: skip


def entered(text: str) -> set[str]:
    """The files that a preprocessed text was made from, but for the first.

    Parameters
    ----------
    text : str
        As the preprocessor leaves it.
    """
    return {found["file"] for found in _MARKER.finditer(text) if "1" in found["flags"].split()}


def smuggled(text: str) -> tuple[str, ...]:
    """What would keep something from the machine, each by name.

    Parameters
    ----------
    text : str
        As the preprocessor leaves it.
    """
    found = [match[0].strip() for match in _DIRECTIVE.finditer(text)]
    bare = _STRING.sub(_bare, _MARKER.sub("", text))
    found += [match[0] for pattern in (_ASM, _NAME, _RAW) for match in pattern.finditer(bare)]
    found += [name for name in _attributes(bare) if name.strip("_") not in _HARMLESS]
    return tuple(dict.fromkeys(found))


def _bare(string: re.Match[str]) -> str:
    if string[0][0] not in "'\"":
        return "R-string"
    return string[0] if string[0] in ('""', '"pause"', '"yield"') else '"…"'


def _attributes(bare: str) -> Iterator[str]:
    """The names of attributes, without what they are given."""
    for begin in _ATTRIBUTE.finditer(bare):
        depth = 0
        for token in _TOKEN.finditer(bare, begin.end()):
            depth += (token[0] in "([") - (token[0] in ")]")
            if depth < 0:
                break
            if not depth and (token[0][0].isalpha() or token[0][0] == "_"):
                yield token[0]
