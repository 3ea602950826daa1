"""Cache lines between cores, one access at a time: the textbook protocol MESI, with the values that the lines carry."""

from __future__ import annotations

from dataclasses import dataclass

from cmpx.languages import _

__all__ = ["CORES", "MEMORY", "OPERATIONS", "WORDS", "Run", "Turn", "play", "transition", "transitions"]

OPERATIONS = ("load", "store", "cmpxchg")
WORDS = ("x", "y")
CORES = (2, 3)
MEMORY = -1
"""Where a line comes from if not from a core."""


def transition(states: str, core: int, write: bool) -> tuple[str, str, int | None]:
    """What an access does to one line.

    A cmpxchg writes, as far as the line is concerned, whatever its result.

    Parameters
    ----------
    states : str
        A letter for each core: M, E, S or I.
    core : int
        Who accesses the line.
    write : bool
        Whether the core must be the only one that has it.

    Returns
    -------
    tuple
        The states afterwards; the request that the others hear, "" if none; who gives the line, None if the core has it.
    """
    request, source = "", None
    if states[core] == "I":
        request = "read for ownership" if write else "read"
        source = states.index("M") if "M" in states else MEMORY  # whoever has it modified also writes it back
    elif states[core] == "S" and write:
        request = "invalidate"
    if write:
        after = "".join("M" if other == core else "I" for other in range(len(states)))
    elif request:
        first = set(states) == {"I"}
        after = "".join(("E" if first else "S") if other == core or state != "I" else "I" for other, state in enumerate(states))
    else:
        after = states
    return after, request, source


def transitions(cores: int) -> dict[str, tuple[str, str, int | None]]:
    """Each transition that can come up, by states, core, and r or w: "IS0w"."""
    table: dict[str, tuple[str, str, int | None]] = {}
    reached = ["I" * cores]
    for states in reached:
        for core in range(cores):
            for write in (False, True):
                table[f"{states}{core}{'rw'[write]}"] = found = transition(states, core, write)
                if found[0] not in reached:
                    reached.append(found[0])
    return table


@dataclass(frozen=True)
class Turn:
    """One access: what it did to its line, what went over the interconnect, and what it found and wrote."""

    core: int
    operation: str
    word: str
    before: str
    after: str
    request: str
    source: int | None
    expected: int | None
    found: int | None
    wrote: int | None

    @property
    def failed(self) -> bool:
        """Whether it is a cmpxchg that found another value than it expected."""
        return self.operation == "cmpxchg" and self.wrote is None


@dataclass(frozen=True)
class Run:
    """Turns in a row, and where the values stand in the end."""

    turns: tuple[Turn, ...]
    memory: dict[str, int]
    caches: tuple[dict[str, int], ...]

    @property
    def transfers(self) -> int:
        """How often a line went from one core to another."""
        return sum(turn.source not in (None, MEMORY) for turn in self.turns)

    @property
    def fetched(self) -> int:
        """How often a line came from memory."""
        return sum(turn.source == MEMORY for turn in self.turns)

    @property
    def invalidated(self) -> int:
        """How many copies of a line were lost."""
        return sum(b != "I" and a == "I" for turn in self.turns for b, a in zip(turn.before, turn.after, strict=True))

    @property
    def failures(self) -> int:
        """How many cmpxchg failed."""
        return sum(turn.failed for turn in self.turns)


def play(schedule: str, cores: int = 2, *, apart: bool = False) -> Run:
    """Play accesses, one after the other. The words x and y are 0 at first, and no cache has them.

    Parameters
    ----------
    schedule : str
        Such as ``"0:load x; 1:load x; 0:cmpxchg x"``. A store writes what the core last saw of the word, plus 1; cmpxchg
        does so if it finds what the core last saw. So a core must have loaded a word before it writes it.
    cores : {2, 3}
        How many there are.
    apart : bool
        Whether y has a line of its own.
    """
    if cores not in CORES:
        raise ValueError(_("there can be 2 or 3 cores, not {cores!r}").format(cores=cores))
    lines = [("x",), ("y",)] if apart else [("x", "y")]
    states = dict.fromkeys(lines, "I" * cores)
    memory = dict.fromkeys(WORDS, 0)
    caches: tuple[dict[str, int], ...] = tuple({} for _core in range(cores))
    seen: tuple[dict[str, int], ...] = tuple({} for _core in range(cores))
    turns = []
    for step in filter(None, map(str.strip, schedule.split(";"))):
        head, _colon, access = step.partition(":")
        operation, _space, word = access.strip().partition(" ")
        word = word.strip()
        if head.strip() not in map(str, range(cores)) or operation not in OPERATIONS or word not in WORDS:
            message = _(
                "{step!r} is no turn; write a core from 0 to {last}, then load, store or cmpxchg, then x or y: '0:load x'"
            )
            raise ValueError(message.format(step=step, last=cores - 1))
        core = int(head)
        if operation != "load" and word not in seen[core]:
            raise ValueError(
                _("core {core} has not loaded {word} yet, so it knows no value for {step!r}").format(
                    core=core, word=word, step=step
                )
            )
        line = next(line for line in lines if word in line)
        before = states[line]
        states[line], request, source = transition(before, core, operation != "load")
        if source is not None:
            if source != MEMORY:
                memory.update({each: caches[source][each] for each in line})
            caches[core].update({each: memory[each] for each in line})
        for other, state in enumerate(states[line]):
            if state == "I":
                for each in line:
                    caches[other].pop(each, None)
        found = None if operation == "store" else caches[core][word]
        expected = None if operation == "load" else seen[core][word]
        wrote = expected + 1 if expected is not None and found in (None, expected) else None
        if wrote is not None:
            caches[core][word] = wrote
        seen[core][word] = caches[core][word]
        turns.append(Turn(core, operation, word, before, states[line], request, source, expected, found, wrote))
    return Run(tuple(turns), memory, caches)
