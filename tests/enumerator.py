"""Small random programs, as C and as a naive enumerator runs them: path by path, no state remembered."""

import random
from collections.abc import Iterator
from dataclasses import dataclass

WORDS = ("x", "y")
REGISTERS = 2

Operation = tuple  # ("read", register, word) and so on; see `_c` for what each is in C
Memory = tuple[int, ...]
Thread = tuple[int, tuple[int, ...]]  # where it stands, and its registers


@dataclass(frozen=True)
class Program:
    """Processes, and a claim about x + 3 * y at the end."""

    processes: tuple[tuple[Operation, ...], ...]
    wrong: int

    def reordered(self) -> "Program":
        return Program(self.processes[::-1], self.wrong)

    @property
    def text(self) -> str:
        lines = ["#include <cmpx/listing.h>", "#include <linux/atomic.h>", "static unsigned int x, y;"]
        for number, operations in enumerate(self.processes):
            body = "".join(_c(operation) for operation in operations)
            lines.append(f"PROCESS(p{number}) {{ unsigned int r0 = 0, r1 = 0; {body}(void)r0; (void)r1; }}")
        return "\n".join([*lines, f'FINALLY {{ EXPECT(x + 3 * y != {self.wrong}, "wrong"); }}', ""])


def generate(seed: int) -> Program:
    """A program of two or three processes with at most six steps each and some 2,000 interleavings."""
    rng = random.Random(seed)
    lengths = rng.choice([(3, 3), (4, 5), (6, 6), (5, 3), (2, 2, 2), (3, 2, 3), (1, 3, 2), (6, 1, 1)])
    processes = tuple(_process(rng, steps) for steps in lengths)
    ends = sorted({x + 3 * y for x, y in runs(processes)})
    return Program(processes, rng.choice([*ends, 9999]))


def _process(rng: random.Random, steps: int) -> tuple[Operation, ...]:
    operations: list[Operation] = []
    while steps > 0:
        operation = _operation(rng, steps)
        steps -= _longest(operation)
        operations.append(operation)
    return tuple(operations)


def _operation(rng: random.Random, steps: int) -> Operation:
    register, word, constant = rng.randrange(REGISTERS), rng.choice(WORDS), rng.randrange(4)
    kinds = ["read", "write", "write_once", "copy", "cas", "add", "xchg", *(["increment", "if"] if steps > 1 else [])]
    kind = rng.choice(kinds)
    if kind == "if":
        return (kind, register, constant, _process(rng, rng.randint(1, steps - 1)))
    return (kind, register, word, constant, rng.randrange(REGISTERS))


def _longest(operation: Operation) -> int:
    if operation[0] == "if":
        return sum(map(_longest, operation[3]))
    return 2 if operation[0] == "increment" else 1


def _c(operation: Operation) -> str:
    kind, register, word, *rest = operation
    if kind == "if":
        return f"if (r{register} == {word}) {{ {''.join(map(_c, rest[0]))}}} "
    constant, other = rest
    return {
        "read": f"r{register} = READ_ONCE({word}); ",
        "write": f"{word} = {constant}; ",
        "write_once": f"WRITE_ONCE({word}, {constant}); ",
        "copy": f"{word} = r{register} + {constant}; ",
        "cas": f"r{register} = cmpxchg(&{word}, r{other}, {constant}); ",
        "add": f"__atomic_fetch_add(&{word}, {constant}, __ATOMIC_RELAXED); ",
        "xchg": f"r{register} = xchg(&{word}, {constant}); ",
        "increment": f"{word} = {word} + 1; ",
    }[kind]


def _flat(operations: tuple[Operation, ...]) -> list[Operation]:
    """The same with `if` as a jump over so many operations, and an increment as its two accesses."""
    flat: list[Operation] = []
    for operation in operations:
        if operation[0] == "if":
            inside = _flat(operation[3])
            flat += [("unless", operation[1], operation[2], len(inside)), *inside]
        elif operation[0] == "increment":
            flat += [("read", REGISTERS, operation[2], 0, 0), ("copy", REGISTERS, operation[2], 1, 0)]
        else:
            flat.append(operation)
    return flat


def _settle(code: list[Operation], thread: Thread) -> Thread:
    """Past the tests, to the next access."""
    pc, registers = thread
    while pc < len(code) and code[pc][0] == "unless":
        pc += 1 + (code[pc][3] if registers[code[pc][1]] != code[pc][2] else 0)
    return pc, registers


def _step(operation: Operation, thread: Thread, memory: Memory) -> tuple[Thread, Memory]:
    (pc, registers), (kind, register, word, constant, other) = thread, operation
    place = WORDS.index(word)
    old = memory[place]
    new = {
        "read": old,
        "write": constant,
        "write_once": constant,
        "copy": registers[register] + constant,
        "add": old + constant,
        "xchg": constant,
        "cas": constant if old == registers[other] else old,
    }[kind]
    if kind in ("read", "xchg", "cas"):
        registers = (*registers[:register], old, *registers[register + 1 :])
    return (pc + 1, registers), (*memory[:place], new % (1 << 32), *memory[place + 1 :])


def runs(processes: tuple[tuple[Operation, ...], ...]) -> Iterator[Memory]:
    """Every complete run, by the memory it leaves."""
    codes = [_flat(operations) for operations in processes]
    start = (0, (0,) * (REGISTERS + 1))
    paths = [(tuple(_settle(code, start) for code in codes), (0,) * len(WORDS))]
    while paths:
        threads, memory = paths.pop()
        able = [number for number, (pc, _) in enumerate(threads) if pc < len(codes[number])]
        if not able:
            yield memory
        for number in able:
            thread, after = _step(codes[number][threads[number][0]], threads[number], memory)
            thread = _settle(codes[number], thread)
            paths.append(((*threads[:number], thread, *threads[number + 1 :]), after))
