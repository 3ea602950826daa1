"""The only place that knows gcc and clang: finds a compiler, builds a listing with it, keeps what was built."""

import contextlib
import hashlib
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from cmpx.languages import _
from cmpx.smuggled import entered, smuggled
from cmpx.sources import CSRC

if TYPE_CHECKING:
    from cmpx.symbols import Symbols

__all__ = ["Build", "CompileError", "Compiler", "NoCompilerError", "build", "compiler", "find_compilers", "program", "vet"]

HEADERS = CSRC / "include"
LONGEST = 256 << 10
"""Bytes of a listing; the whole of the kernel's mutex.c has 32 thousand."""

EXPANDED = 4 << 20
"""Bytes of an answer behind the preprocessor; all of the book's headers have 200 thousand."""

KEPT = 2000
"""Listings in the cache."""

_PROGRAMS = {
    "machine": ("worker.c", "jobs.c", "machine.c", "hooks.c", "graph.c", "explore.c", "report.c"),
    "rounds": ("worker.c", "rounds.c"),
}
_COMMON = (
    "-std=gnu11", "-gdwarf-4", "-fPIC", "-shared", "-nostdlib", "-fno-strict-aliasing", "-fno-common",
    "-fno-omit-frame-pointer", "-fno-stack-protector", "-fcf-protection=none", "-Wl,-z,now", "-Wl,-z,relro",
    "-Wl,--build-id=none", "-fno-sanitize=undefined",  # zig's default, and it traps where the kernel wraps
    "-Werror=implicit-function-declaration", "-Werror=int-conversion", "-Werror=incompatible-pointer-types",
)  # fmt: skip
_INSTRUMENTED = {
    "gcc": (
        "-fsanitize=thread", "--param=tsan-distinguish-volatile=1", "-fsanitize-coverage=trace-pc", "-Wno-tsan",
        "-ftrack-macro-expansion=0", "-fmax-errors=20",
    ),
    "clang": (
        # for the compiler alone: at the word, zig links its own runtime
        "-Xclang", "-fsanitize=thread", "-mllvm", "-tsan-distinguish-volatile=1",
        "-mllvm", "-tsan-instrument-read-before-write=1",
        "-fsanitize-coverage=trace-pc", "-Wl,--wrap=memcpy,--wrap=memset,--wrap=memmove",
    ),
}  # fmt: skip
# so that no name of the listing's is taken for one of the C library's
_NATIVE = ("-fvisibility=hidden",)
# what a compiler leaves in a frame without writing it must not differ from run to run
_ZEROED = ("-ftrivial-auto-var-init=zero",)
_ZEROED_ONCE = (*_ZEROED, "-enable-trivial-auto-var-init-zero-knowing-it-will-be-removed-from-clang")
# of what PROCESS is made, and how a harness says itself what becomes of a warning
_HARNESS = frozenset({"constructor", "visibility"})
_ERROR = re.compile(r"^(?P<file>[^\s:][^:]*):(?P<line>\d+):(?:\d+:)? (?:fatal )?error: (?P<text>.*)$", re.M)


class CompileError(Exception):
    """The compiler refused a listing; the message has the reader's line numbers.

    Parameters
    ----------
    message : str
        In the reader's language.
    diagnostics : str
        What the compiler said.
    """

    def __init__(self, message: str, diagnostics: str = "") -> None:
        super().__init__(message)
        self.diagnostics = diagnostics


class NoCompilerError(RuntimeError):
    """There is no C compiler here, or the instrumented machine does not know this kind of computer."""


@dataclass(frozen=True)
class Compiler:
    """A C compiler.

    Parameters
    ----------
    command : tuple of str
        How to call it.
    family : str
        "gcc" or "clang", by the options that it takes.
    version : str
        The first line of what it says of itself.
    """

    command: tuple[str, ...]
    family: str
    version: str


@dataclass(frozen=True)
class Build:
    """A built listing.

    Parameters
    ----------
    path : Path
        The shared object.
    compiler : Compiler
        What built it.
    level : str
        The optimisation level, such as ``-O0``.
    kept : tuple of str
        Where there is a harness: the text's variables that outlive a call.
    """

    path: Path
    compiler: Compiler
    level: str
    kept: tuple[str, ...] = ()
    stored = False
    label = ""  # it is no stored result

    @property
    def title(self) -> str:
        """Compiler and level in one line."""
        return f"{self.compiler.version} {self.level}"

    @property
    def symbols(self) -> "Symbols":
        """Names and lines, read from the file."""
        return _symbols(self.path)


@cache
def _symbols(path: Path) -> "Symbols":
    from cmpx.symbols import Symbols  # elftools takes its time to load

    return Symbols(path, HEADERS)


@cache
def _read(path: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What an object file does that only a whole listing or the machine may, and its variables that outlive a call."""
    from cmpx.symbols import intruders, kept

    return intruders(path), kept(path)


def find_compilers() -> tuple[tuple[str, ...], ...]:
    """The commands that may be a C compiler here, in the order in which they are tried."""
    beside = sorted(Path(sys.prefix, "bin").glob("*-cc"))
    named = [shlex.split(os.environ.get("CC", "")), ["cc"], ["gcc"], ["clang"], *([str(path)] for path in beside)]
    found = [tuple(command) for command in named if command and shutil.which(command[0])]
    return (*found, (sys.executable, "-m", "ziglang", "cc"))


@cache
def compiler(command: tuple[str, ...] | None = None) -> Compiler:
    """The first compiler that answers, or the one named.

    Raises
    ------
    NoCompilerError
        There is none.
    """
    for candidate in (command,) if command else find_compilers():
        try:
            said = subprocess.run([*candidate, "--version"], capture_output=True, text=True, timeout=20, check=True)
        except (OSError, subprocess.SubprocessError):
            continue
        version = said.stdout.partition("\n")[0]
        return Compiler(candidate, "clang" if "clang" in said.stdout.lower() else "gcc", version)
    raise NoCompilerError(_("no C compiler here: install gcc or clang, or point $CC at one"))


def cache_folder() -> Path:
    """Where what was built is kept: ``$XDG_CACHE_HOME/cmpx``, else ``~/.cache/cmpx``, else a temporary folder."""
    for root in (os.environ.get("XDG_CACHE_HOME"), Path.home() / ".cache", Path(tempfile.gettempdir(), f"cache-{os.getuid()}")):
        if root:
            folder = Path(root, "cmpx")
            try:
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            except OSError:
                continue
            if folder.stat().st_uid == os.getuid() and os.access(folder, os.W_OK):
                return folder
    return Path(tempfile.mkdtemp(prefix="cmpx-"))


def _stamp(folder: Path) -> str:
    """Changes when a file below the folder does."""
    return repr(sorted((str(path), path.stat().st_mtime_ns) for path in folder.rglob("*.[ch]")))


def _key(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]


def _run(command: list[str], folder: Path, text: str | None = None) -> subprocess.CompletedProcess[str]:
    # a listing that includes /dev/zero must not take the machine's memory, and one that doubles itself not its disk
    guarded = ["/bin/sh", "-c", 'ulimit -t 60; ulimit -v 2097152; ulimit -f 131072; exec "$@"', "sh", *command]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG"))}
    try:
        return subprocess.run(
            guarded, cwd=folder, env=environment | {"LC_ALL": "C"}, input=text, capture_output=True, encoding="utf-8",
            errors="replace", timeout=120, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise CompileError(_("the compiler did not come to an end")) from None


def build(
    text: str,
    name: str,
    definitions: Mapping[str, object],
    *,
    first_line: int = 1,
    level: str = "0",
    instrumented: bool = True,
    using: tuple[str, ...] | None = None,
    harness: str = "",
) -> Build:
    """Compile a listing into a shared object, or find it among those built before.

    Parameters
    ----------
    text : str
        The C source.
    name : str
        What diagnostics call it.
    definitions : Mapping of str to object
        Macros; where there is a harness, for it alone.
    first_line : int
        The number that the reader sees beside the first line.
    level : str
        The optimisation level: "0" to "3", "s".
    instrumented : bool
        Whether each access calls the machine.
    using : tuple of str, optional
        The command of the compiler, if not the first that is found.
    harness : str
        C that calls what the text defines, a translation unit of its own; empty if the text is whole.

    Raises
    ------
    CompileError
        With the diagnostics and a hint, in the reader's language.
    """
    tool = compiler(using)
    flags = [*_COMMON, f"-O{level}", f"-I{HEADERS}"]
    if instrumented:
        flags += ["-DCMPX_MACHINE", *_INSTRUMENTED[tool.family], *_zeroing(tool)]
    else:
        flags += _NATIVE
    alone = _Recipe(tool, tuple(flags), _stamp(HEADERS) + _stamp(CSRC / "listings"))
    ours = alone.also(f"-I{CSRC / 'listings'}", *(f"-D{macro}={value}" for macro, value in definitions.items()))
    numbered = f'#line {first_line} "{name}"\n{text}\n'
    if not harness:
        return Build(_made(ours, ".so", name, numbered), tool, f"-O{level}")
    answer = _object(alone, name, numbered)
    refused, kept = _read(answer)
    if refused:
        raise CompileError(
            _("an answer may not define or call {what}: that is its harness's part").format(what=", ".join(refused))
        )
    beside = _object(ours, f"{name}-harness", f'#line 1 "{name}-harness"\n{harness}\n', _HARNESS)
    return Build(_made(alone.also(str(answer), str(beside)), ".so", name), tool, f"-O{level}", kept)


def vet(text: str, name: str, using: tuple[str, ...] | None = None) -> None:
    """Refuse a whole listing that would keep something from the machine.

    Parameters
    ----------
    text, name, using
        As for `build`.

    Raises
    ------
    CompileError
        It would; the message says by what.
    """
    flags = (*_COMMON, f"-I{HEADERS}", "-DCMPX_MACHINE", f"-I{CSRC / 'listings'}")
    recipe = _Recipe(compiler(using), flags, _stamp(HEADERS) + _stamp(CSRC / "listings"))
    _expanded(recipe, name, f'#line 1 "{name}"\n{text}\n', _HARNESS)


@dataclass(frozen=True)
class _Recipe:
    """How something is compiled: all that the result depends on but its text."""

    tool: Compiler
    flags: tuple[str, ...]
    headers: str

    def also(self, *flags: str) -> "_Recipe":
        return replace(self, flags=(*self.flags, *flags))


def _object(recipe: _Recipe, name: str, text: str, allowed: frozenset[str] = frozenset()) -> Path:
    """Compile one text of two: what the preprocessor has made of it, in which nothing is hidden any more."""
    expanded = _expanded(recipe, name, text, allowed)
    return _made(recipe.also("-c", "-x", "cpp-output", str(expanded), "-x", "none"), ".o", name)


def _expanded(recipe: _Recipe, name: str, text: str, allowed: frozenset[str]) -> Path:
    alone = recipe.also("-E", *(["-fno-working-directory"] if recipe.tool.family == "gcc" else []))
    headers = "".join(f'#include "{path}"\n' for path in _included(f"-I{CSRC / 'listings'}" in recipe.flags))
    known, _ours = _looked_through(_made(alone, ".i", "headers", headers))
    foreign = _("only the book's headers may be included: {line}")
    try:
        made = _made(alone, ".i", name, text)
    except CompileError as error:
        # the compiler's words on another file could show that file
        own = re.findall(r'^#line \d+ "([\w-]+)"$', "\n".join(text.splitlines()[:2]), re.M)
        others = [file for line in error.diagnostics.splitlines() if (file := line.partition(":")[0]) not in own]
        raise CompileError(foreign.format(line=others[0])) if others else error from None
    if (size := made.stat().st_size) > EXPANDED:
        message = _("a listing has at most {most:,} bytes; this one has {size:,}")
        raise CompileError(message.format(most=EXPANDED, size=size))
    files, what = _looked_through(made)
    if strangers := files - known:
        raise CompileError(foreign.format(line=Path(min(strangers)).name))
    if found := [each for each in what if each not in allowed]:
        message = _("an answer may not use {what}: the machine would not see all that it does")
        raise CompileError(message.format(what=", ".join(found)))
    return made


@cache
def _looked_through(path: Path) -> tuple[set[str], tuple[str, ...]]:
    """The files that a preprocessed text was made from, and what in it would keep something from the machine."""
    text = path.read_text("utf-8", "replace")
    return entered(text), smuggled(text)


def _included(listings: bool) -> list[Path]:
    """Our headers, as an include names them."""
    own = sorted((CSRC / "listings").glob("*.h")) if listings else []
    return [*sorted(path.relative_to(HEADERS) for path in _headers()), *(path.relative_to(CSRC / "listings") for path in own)]


def _made(recipe: _Recipe, suffix: str, name: str, text: str = "") -> Path:
    """What the compiler makes of a text, or of the files among its flags if there is none; made now or found."""
    target = cache_folder() / f"{_key(text, name, recipe)}{suffix}"
    if target.exists():
        target.touch()
        return target
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        there = [f"-ffile-prefix-map={scratch}=.", *(["-x", "c", "-"] if text else []), "-o", "made"]
        done = _run([*recipe.tool.command, *recipe.flags, *there], Path(scratch), text)
        if done.returncode:
            raise CompileError(explain(done.stderr, name), _bare(done.stderr))
        Path(scratch, "made").replace(target)
    _forget_oldest(target.parent)
    return target


def _forget_oldest(folder: Path) -> None:
    """Keep the cache from growing for ever; another process may be doing the same."""
    with os.scandir(folder) as entries:
        paths = [entry.path for entry in entries if entry.name.endswith((".so", ".o", ".i"))]
    if len(paths) > KEPT:
        ages = []
        for path in paths:
            with contextlib.suppress(OSError):
                ages.append((Path(path).stat().st_mtime_ns, path))
        for _age, path in sorted(ages)[: -KEPT // 2]:
            Path(path).unlink(missing_ok=True)


@cache
def _zeroing(tool: Compiler) -> tuple[str, ...]:
    """The form in which this compiler takes the option that zeroes locals, if it does."""
    forms = (_ZEROED, _ZEROED_ONCE) if tool.family == "clang" else (_ZEROED,)
    with tempfile.TemporaryDirectory() as folder:
        for form in forms:
            if not _run([*tool.command, *form, "-c", "-x", "c", "-", "-o", "a.o"], Path(folder), "").returncode:
                return form
    return ()


def program(name: str) -> Path:
    """A program that runs listings; built at its first use.

    Parameters
    ----------
    name : {"machine", "rounds"}
        The one that steps and checks, or the one that races.

    Raises
    ------
    NoCompilerError
        There is no compiler, or this is not Linux on x86-64.
    """
    if sys.platform != "linux" or os.uname().machine != "x86_64":
        raise NoCompilerError(_("listings run on Linux x86-64 only so far; words, PiDesc, Iommu and race(strategy) work here"))
    tool = compiler()
    flags = ["-O2", "-std=gnu11", "-rdynamic", "-pthread", f"-I{HEADERS}"]
    target = cache_folder() / f"{name}-{_key(tool, flags, _stamp(CSRC))}"
    if not target.exists():
        with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
            sources = [str(CSRC / source) for source in _PROGRAMS[name]]
            done = _run([*tool.command, *flags, *sources, "-ldl", "-o", name], Path(scratch))
            if done.returncode:
                raise CompileError(done.stderr)
            Path(scratch, name).replace(target)
    return target


def explain(diagnostics: str, name: str) -> str:
    """The compiler's errors by the reader's lines, the first with a hint."""
    errors = list(_ERROR.finditer(diagnostics))
    if not errors:
        return diagnostics.strip()
    lines = [f"{Path(match['file']).name}:{match['line']}: {match['text']}" for match in errors[:5]]
    hint = _hint(errors[0]["text"])
    if hint:
        lines.insert(1, f"    → {hint}")
    return "\n".join(lines)


def _bare(diagnostics: str) -> str:
    """The errors alone, without a path of this machine."""
    errors = [f"{Path(match['file']).name}:{match['line']}: error: {match['text']}" for match in _ERROR.finditer(diagnostics)]
    return "\n".join(errors)


def _hint(error: str) -> str:
    """What to do about it, for the errors that beginners meet."""
    hints = (
        (
            r"implicit declaration of function '(?P<what>\w+)'|call to undeclared function '(?P<what2>\w+)'",
            _("{what} is not declared: include the header that declares it, or define it above"),
        ),
        (
            r"'(?P<what>\w+)' undeclared|use of undeclared identifier '(?P<what2>\w+)'",
            _("{what} is not declared: is it spelt right, and declared above this line?"),
        ),
        (
            r"unknown type name '(?P<what>\w+)'",
            _("there is no type {what}: <linux/types.h> has u8 to u64 and atomic_t"),
        ),
        (
            r"expected [^;]*';'",
            _("a semicolon is missing, here or at the end of the line above"),
        ),
        (
            r"(?P<what>[\w./]+): No such file|'(?P<what2>[\w./]+)' file not found",
            _("there is no header {what}; those that are: {headers}"),
        ),
        (
            r"redefinition of '(?:static void )?cmpx_(?P<what>\w+?)_(?:block|at_load)'",
            _("one {what} block is enough: put both into one"),
        ),
        (
            r"redefinition of '(?P<what>\w+?)(?:_process|_at_load)?'",
            _("{what} stands there twice: give one of them another name"),
        ),
        (
            r"expected (declaration|expression|identifier)",
            _("something before this is not closed: a brace, a parenthesis, a comment?"),
        ),
    )
    error = error.replace("‘", "'").replace("’", "'")
    for pattern, hint in hints:
        match = re.search(pattern, error)
        if match:
            groups = match.groupdict()
            what = groups.get("what") or groups.get("what2") or ""
            return hint.format(what=what, headers=", ".join(sorted(str(path.relative_to(HEADERS)) for path in _headers())))
    return ""


def _headers() -> list[Path]:
    return [path for folder in ("asm", "cmpx", "linux") for path in (HEADERS / folder).glob("*.h")]
