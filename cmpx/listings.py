"""Listings: pieces of kernel-style C that can be shown, called, stepped and checked as they stand."""

import math
import re
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from cmpx import rounds as natively
from cmpx import stored, worker
from cmpx.checking import THREADS, Finding, Reader, Trace, Verdict
from cmpx.cpus import usable_cpus
from cmpx.languages import _
from cmpx.litmus import translate
from cmpx.sources import CSRC, Source
from cmpx.stored import Record
from cmpx.toolchain import LONGEST, Build, CompileError, NoCompilerError, build, program

if TYPE_CHECKING:
    from cmpx.widgets.stepper import Stepper

__all__ = ["Call", "Listing", "UnmodelledError", "listing"]

_FOLDER = CSRC / "listings"
LITERALS = re.compile(r"//[^\n]*|/\*.*?\*/|'(?:\\.|[^'\\\n])*'|\"(?:\\.|[^\"\\\n])*\"", re.S)
"""Comments, characters and strings of a C text."""

_ASM = re.compile(r"\b(?:asm|__asm|__asm__)\b[\s\w]*\(\s*(?P<template>\"[^\"]*\")?")
# zeroing a large local calls memset on the thread's own stack
_KNOWN = re.compile(r"__tsan_\w+|cmpx_\w+|__sanitizer_cov_trace_pc|__wrap_mem(?:cpy|set|move)|memset")
STATES = 5_000_000
SECONDS = 60.0


class UnmodelledError(ValueError):
    """A listing does something that the machine does not know.

    Parameters
    ----------
    what : tuple of str
        What, each by name or line.
    build : Build
        The build it was found in.
    """

    def __init__(self, what: tuple[str, ...], build: Build | Record) -> None:
        super().__init__(_("unmodelled: {what}").format(what="; ".join(what)))
        self.what = what
        self.build = build


class Call:
    """What one function alone did.

    Parameters
    ----------
    result : int
        What it returned, 64 bits.
    before, after : dict of str to int
        The globals.
    source : str
        Where it comes from, if it was not called here and now.
    """

    def __init__(self, result: int, before: dict[str, int], after: dict[str, int], source: str = "") -> None:
        self.source = source
        self.result = result
        self.before = before
        self.after = after

    @property
    def changed(self) -> dict[str, tuple[int, int]]:
        """The globals that it changed: before and after."""
        return {name: (old, self.after[name]) for name, old in self.before.items() if old != self.after[name]}

    def __repr__(self) -> str:
        changes = [f"  {name}: {old:#x} → {new:#x}" for name, (old, new) in self.changed.items()]
        return "\n".join([*filter(None, [self.source]), f"→ {self.result:#x}", *changes])


class Listing:
    """A piece of kernel-style C with processes, and what can be done with it.

    Parameters
    ----------
    text : str
        The C source; see ``<cmpx/listing.h>`` for PROCESS, INIT, INVARIANT, FINALLY and EXPECT.
    name : str
        What messages call it.
    first_line : int
        The number that the reader sees beside its first line.
    harness : str
        C with the processes, if the text has none: it declares the functions that the text defines, and is compiled apart, so
        that neither can change what the other says.
    **definitions : int or str
        Macros, in capitals: ``UPDATES=7``; where there is a harness, for it alone.
    """

    def __init__(
        self, text: str, *, name: str = "listing", first_line: int = 1, harness: str = "", **definitions: int | str
    ) -> None:
        self.text = _checked(text)
        self.harness = _checked(harness)
        self.name = name
        self.definitions = definitions
        self.first_line = first_line
        for macro, value in definitions.items():
            if not re.fullmatch(r"[A-Z_][A-Z0-9_]*", macro) or not re.fullmatch(r"-?\w+", str(value)):
                message = _("{macro}={value!r}: a macro is in capitals and its value a number or a word")
                raise ValueError(message.format(macro=macro, value=value))

    def using(self, **definitions: int | str) -> "Listing":
        """The same text with these macros, and with its other ones as they are.

        Parameters
        ----------
        **definitions : int or str
            As for `Listing`.
        """
        return Listing(
            self.text, name=self.name, first_line=self.first_line, harness=self.harness, **self.definitions | definitions
        )

    def show(self) -> Source:
        """The text; a notebook colours it."""
        return Source(self.text.rstrip("\n").expandtabs(8))

    def __repr__(self) -> str:
        definitions = "".join(f", {name}={value}" for name, value in self.definitions.items())
        return f"<Listing {self.name}{definitions}>"

    def build(self, optimise: int | str = 0, compiler: tuple[str, ...] | None = None) -> Build:
        """The instrumented build, made now or found among those made before.

        Parameters
        ----------
        optimise, compiler
            As for `check`.
        """
        return build(
            self.text, self.name, self.definitions, first_line=self.first_line, level=str(optimise), using=compiler,
            harness=self.harness,
        )  # fmt: skip

    def run(
        self,
        verb: str,
        *,
        optimise: int | str = 0,
        compiler: tuple[str, ...] | None = None,
        progress: Callable[[int], object] = lambda states: None,
        **job: object,
    ) -> tuple[worker.Outcome, Build | Record]:
        """Build the listing and have the worker do one thing with it; without a compiler, find what it once said.

        Parameters
        ----------
        verb : {"check", "replay", "call"}
            What to do.
        optimise : int or str
            The compiler's level.
        compiler : tuple of str, optional
            The command of the compiler.
        progress : callable
            Called with the number of states, some ten times a second.
        **job
            What else the verb takes; see ``csrc/jobs.c``.

        Raises
        ------
        UnmodelledError
            The listing does something that the machine does not know.
        ValueError
            It has no process, too many, or too much memory.
        """
        whole = self.job(verb, optimise, job)
        try:
            machine, build = program("machine"), self.build(optimise, compiler)
        except NoCompilerError:
            found = stored.find(whole)
            if found is None:
                raise
            return self._judged(verb, worker.Outcome(found.answer, found.status, False), found), found
        except CompileError as error:
            stored.refused(whole, error)
            raise
        strangers = self._strangers(build)
        if not strangers:
            if verb == "call":
                job["function"] = self._place_of(str(job["function"]), build)
            outcome = worker.run(machine, {"verb": verb, "path": build.path, "deadline": 30} | job, progress)
            if outcome.interrupted and verb != "check":
                raise KeyboardInterrupt
        else:
            outcome = worker.Outcome({}, 0, False)
        built = stored.begin(whole, build, outcome.answer, outcome.status)
        return self._judged(verb, outcome, built), built

    def job(self, verb: str, optimise: int | str, job: dict[str, object]) -> dict[str, object]:
        """All that a result depends on, but for the compiler and our headers."""
        macros = {name: str(value) for name, value in self.definitions.items()}
        place = {"name": self.name, "first_line": self.first_line, "text": self.text, "macros": macros}
        beside = {"harness": self.harness} if self.harness else {}
        return {**place, **beside, "verb": verb, "optimise": str(optimise), **job}

    def _judged(self, verb: str, outcome: worker.Outcome, built: Build | Record) -> worker.Outcome:
        """The outcome, if it is one that can be spoken of."""
        if strangers := self._strangers(built):
            raise UnmodelledError(strangers, built)
        answer = outcome.answer
        if "unloadable" in answer:
            raise UnmodelledError((answer["unloadable"],), built)
        processes = answer.get("processes")
        if verb != "call" and processes is not None and not processes:
            raise ValueError(_("{name} has no PROCESS(name) {{ … }}: nothing to run").format(name=self.name))
        if processes is not None and len(processes) > THREADS:
            raise ValueError(_("{name} has more than eight PROCESSes").format(name=self.name))
        if answer.get("oversized"):
            raise ValueError(_("the globals of {name} take more than 128 KiB: make its arrays smaller").format(name=self.name))
        return outcome

    @staticmethod
    def _place_of(function: str, built: Build) -> str:
        functions = built.symbols.functions
        if function not in functions:
            own = sorted(name for name in functions if not name.endswith("_at_load"))
            raise ValueError(_("no function {name!r} here; there are {names}").format(name=function, names=", ".join(own)))
        return f"{functions[function]:x}"

    def _strangers(self, built: Build | Record) -> tuple[str, ...]:
        """What the machine does not know, each by name or line."""
        found = [_("inline assembly in line {line}").format(line=line + self.first_line) for line in _assembly(self.text)]
        if built.symbols.has_thread_locals:
            found.append(_("a _Thread_local variable"))
        names = sorted(name for name in built.symbols.undefined if not _KNOWN.fullmatch(name))
        return (*found, *(_("{name}(), which is not among our headers").format(name=name) for name in names))

    def check(
        self,
        memory: str = "sc",
        *,
        optimise: int | str = 0,
        states: int = STATES,
        seconds: float = SECONDS,
        compiler: tuple[str, ...] | None = None,
    ) -> Verdict:
        """Run every interleaving.

        Parameters
        ----------
        memory : {"sc", "tso"}
            One memory for all, or x86's: each thread's stores wait in a buffer.
        optimise : int or str
            The compiler's level; the verdict speaks of the code that it makes.
        states, seconds : int, float
            Where to stop: then the verdict is "bounded", unless something bad was found.
        compiler : tuple of str, optional
            The command of the compiler.

        Returns
        -------
        Verdict
        """
        _known_memory(memory)
        job = {"memory": memory, "states": states, "seconds": seconds, "deadline": int(seconds) + 30}
        options: dict[str, Any] = {"optimise": optimise, "compiler": compiler, **job}
        try:
            outcome, built = self.run("check", progress=_Progress(), **options)
        except UnmodelledError as error:
            return Verdict(self.name, "unmodelled", memory, error.build.title, unmodelled=error.what)
        answer = outcome.answer
        if "complete" not in answer:
            # nothing else in the sandbox kills: it was too slow to stop, or the system ran out of memory
            if outcome.interrupted or outcome.death == "SIGKILL":
                return Verdict(self.name, "bounded", memory, built.title)
            return Verdict(self.name, "fails", memory, built.title, (_died(outcome),))
        reader = Reader(answer, built.symbols, built.label)
        findings = reader.findings()
        whole = answer["complete"] and "interleavings" in answer

        def count(steps: int) -> int:
            outcome = self.run("check", steps=steps, **options)[0]
            if outcome.interrupted:
                raise KeyboardInterrupt
            if "within" not in outcome.answer:
                raise ValueError(_("only a check that saw everything can count"))
            return int(outcome.answer["within"], 16)

        wide = tuple(finding.message for finding in findings if finding.kind == "too wide")
        status = "unmodelled" if wide else "fails" if findings else "holds" if whole else "bounded"
        return Verdict(
            self.name, status, memory, built.title, findings, reader.races(), _runs(answer, "interleavings"),
            _runs(answer, "bad"), wide, answer["states"], count if whole else None, lambda: translate(self, optimise),
        )  # fmt: skip

    def replay(self, schedule: str, memory: str = "sc", *, optimise: int | str = 0) -> Trace:
        """Run one schedule, as `Trace.schedule` writes it.

        Parameters
        ----------
        schedule : str
            Process names, one a step; ``a*3`` is three steps of a; ``a~`` lets a's oldest store reach memory.
        memory : {"sc", "tso"}
            As for `check`.
        optimise : int or str
            As for `check`.

        Returns
        -------
        Trace
            Of the steps that were possible.

        Raises
        ------
        ValueError
            The schedule names something that is no process.
        """
        _known_memory(memory)
        if len(schedule.encode()) > 100_000:
            raise ValueError(_("this schedule is too long"))
        outcome, built = self.run("replay", optimise=optimise, memory=memory, schedule=schedule)
        answer = outcome.answer
        if "wrong" in answer:
            message = _("{word!r} is no step of this listing; its processes are {names}")
            raise ValueError(message.format(word=answer["wrong"].split()[0], names=", ".join(answer["processes"])))
        if "steps" not in answer:
            return Trace((), None, _died(outcome).message)
        reader = Reader(answer, built.symbols)
        steps = reader.steps(answer["steps"])
        last = answer["steps"][-1] if answer["steps"] else {}
        end = reader.finding(last["finding"])[1] if "finding" in last else ""
        return Trace(steps, None, end, built.label)

    def step(self, memory: str = "sc", *, optimise: int | str = 0, schedule: str = "") -> "Stepper":
        """Step through it, one access to shared memory at a time; in a notebook by mouse or keyboard.

        Parameters
        ----------
        memory, optimise
            As for `check`.
        schedule : str
            The run to begin with, as `Trace.schedule` writes it.

        Returns
        -------
        Stepper
        """
        from cmpx.widgets.stepper import Stepper  # a room above this one

        return Stepper(self, memory, optimise=optimise, schedule=schedule)

    def race(
        self,
        seconds: float | None = None,
        rounds: int | None = None,
        *,
        optimise: int | str = 2,
        seed: int = 0,
        compiler: tuple[str, ...] | None = None,
    ) -> natively.RoundsResult:
        """Run it natively in rounds: INIT, all processes at once on real cores, FINALLY.

        It runs in a sandboxed process of its own. INVARIANT is left out: nobody can look between two steps of real processors.
        A round ends when all processes have; a false EXPECT or a WARN makes it a failing one and does not stop it.

        Parameters
        ----------
        seconds : float, optional
            When to stop; one second if neither bound is given.
        rounds : int, optional
            After how many rounds to stop.
        optimise : int or str
            The compiler's level.
        seed : int
            Of the chance by which the processes of a round start apart.
        compiler : tuple of str, optional
            The command of the compiler.

        Returns
        -------
        RoundsResult
            Without a compiler, or with fewer than two usable processors, a stored one if there is one: it says so. With one
            processor and nothing stored, one without rounds, which says so too.

        Raises
        ------
        KeyboardInterrupt
            Interrupted; its process has ended.
        """
        bounds = natively.bounds(seconds, rounds, seed)
        return natively.race(self.name, self.build_to_race(*bounds, optimise=optimise, compiler=compiler), *bounds)

    def build_to_race(
        self,
        seconds: float | None,
        rounds: int | None,
        seed: int,
        *,
        optimise: int | str = 2,
        compiler: tuple[str, ...] | None = None,
    ) -> Build | Record:
        """The native build, or what is stored of such a race where there is no compiler or only one processor.

        Parameters
        ----------
        seconds, rounds, seed, optimise, compiler
            As for `race`.
        """
        whole = self.job("race", optimise, {"seconds": seconds, "rounds": rounds, "seed": seed})
        sentence = _("stored result, a race needs two processors and this machine lends one: {title}")
        if usable_cpus() < 2 and (found := stored.find(whole, sentence)):
            return found
        try:
            return stored.begin(whole, self.build_native(optimise, compiler))
        except NoCompilerError:
            found = stored.find(whole)
            if found is None:
                raise
            return found
        except CompileError as error:
            stored.refused(whole, error)
            raise

    def build_native(self, optimise: int | str = 2, compiler: tuple[str, ...] | None = None) -> Build:
        """The build that is raced: the reader's C as it stands.

        Parameters
        ----------
        optimise, compiler
            As for `race`.
        """
        return build(
            self.text, self.name, self.definitions, first_line=self.first_line, level=str(optimise), instrumented=False,
            using=compiler, harness=self.harness,
        )  # fmt: skip

    def call(self, function: str, *arguments: int) -> Call:
        """Run INIT, then one function alone, as if nothing else ran.

        Parameters
        ----------
        function : str
            One that the listing defines.
        *arguments : int
            Up to six.

        Returns
        -------
        Call
            Its result, and the globals before and after.
        """
        if len(arguments) > 6:
            raise ValueError(_("at most six arguments"))
        words = " ".join(f"{argument % (1 << 64):x}" for argument in arguments)
        outcome, built = self.run("call", function=function, arguments=words)
        answer = outcome.answer
        if "after" not in answer:
            raise RuntimeError(_died(outcome).message)
        if "finding" in answer:
            raise RuntimeError(Reader(answer, built.symbols).finding(answer["finding"])[1])
        start = answer["data"] - answer["base"]
        before, after = (_globals(built, start, bytes.fromhex(answer[when]["globals"])) for when in ("before", "after"))
        return Call(answer["result"], before, after, built.label)


class _Progress:
    """Says on one line how far a long check is."""

    def __init__(self) -> None:
        self._start = time.monotonic()

    def __call__(self, states: int) -> None:
        if time.monotonic() - self._start > 1:
            print("\r" + _("{states:,} states …").format(states=states), end="", file=sys.stderr, flush=True)


def _known_memory(memory: str) -> None:
    if memory not in ("sc", "tso"):
        raise ValueError(_("there is no memory model {memory!r}; choose 'sc' or 'tso'").format(memory=memory))


def _globals(built: Build | Record, start: int, memory: bytes) -> dict[str, int]:
    values = {}
    for variable in built.symbols.variables:
        raw = memory[variable.offset - start : variable.offset - start + variable.size]
        if variable.kind != "bytes" and variable.offset >= start and len(raw) == variable.size:
            value = int.from_bytes(raw, "little") >> variable.first_bit
            values[variable.name] = value & ((1 << (variable.bits or 8 * variable.size)) - 1)
    return values


def _runs(answer: dict[str, Any], name: str) -> int | float | None:
    text = answer.get(name)
    return None if text is None else math.inf if text == "inf" else int(text, 16)


def _died(outcome: worker.Outcome) -> Finding:
    """What to say of a job that gave no answer."""
    message = _("the process that ran the listing was ended by {signal}").format(signal=outcome.death or outcome.status)
    return Finding("crash", message, Trace(()))


def _checked(text: str) -> str:
    if not isinstance(text, str):
        raise TypeError(_("a listing is text, not {kind}").format(kind=type(text).__name__))
    try:
        size = len(text.encode())
    except UnicodeEncodeError as error:
        line = text.count("\n", 0, error.start) + 1
        raise ValueError(_("line {line} has a character that is no Unicode text").format(line=line)) from None
    if "\0" in text:
        raise ValueError(_("a listing is text; this one has a NUL character"))
    if size > LONGEST:
        message = _("a listing has at most {most:,} bytes; this one has {size:,}")
        raise ValueError(message.format(most=LONGEST, size=size))
    return text


def _assembly(text: str) -> list[int]:
    """The lines, counted from 0, of assembly that is not empty; an empty template is a compiler barrier."""

    def blank(match: re.Match[str]) -> str:
        # keeps the lines, and whether a string was empty
        inside = match[0][1:-1] if match[0][0] == '"' else ""
        shell = '"' + "x" * bool(inside.strip()) + '"' if match[0][0] == '"' else " "
        return shell + "\n" * match[0].count("\n")

    bare = LITERALS.sub(blank, text)
    return [bare.count("\n", 0, match.start()) for match in _ASM.finditer(bare) if match["template"] != '""']


def listing(name: str, **definitions: int | str) -> Listing:
    """One of the book's own listings.

    Parameters
    ----------
    name : str
        Such as ``"pi_post_block"``.
    **definitions : int or str
        Macros, in capitals: ``UPDATES=7``.

    Raises
    ------
    ValueError
        There is no such listing; the message names those that are there.
    """
    path = _FOLDER / f"{name}.c"
    if not re.fullmatch(r"\w+", name) or not path.exists():
        names = ", ".join(sorted(path.stem for path in _FOLDER.glob("*.c")))
        raise ValueError(_("there is no listing {name!r}; there are {names}").format(name=name, names=names))
    return Listing(path.read_text(encoding="utf-8"), name=name, harness="", first_line=1, **definitions)


def _magic(line: str, cell: str) -> None:
    """%%listing NAME [MACRO=VALUE …]: makes NAME a Listing of the C in this cell."""
    name, *macros = line.split()
    definitions: dict[str, Any] = dict(macro.partition("=")[::2] for macro in macros)
    shell = sys.modules["IPython"].get_ipython()
    shell.user_ns[name] = Listing(cell, name=name, first_line=2, **definitions)


def _register_magic() -> None:
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if shell is not None:
        shell.register_magic_function(_magic, "cell", "listing")


_register_magic()
