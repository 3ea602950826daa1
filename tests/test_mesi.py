"""The protocol that moves cache lines, against what every coherent memory keeps; the text of its widget."""

import random

import pytest

import cmpx
from cmpx.mesi import MEMORY, OPERATIONS, WORDS, play, transitions
from cmpx.widgets import Mesi

FAILING = "0:load x; 1:load x; 0:cmpxchg x; 1:cmpxchg x"
SHARING = "0:load x; 1:load y; " + "0:store x; 1:store y; " * 3
SPOILT = "0:load x; 1:load x; " + "0:cmpxchg x; 1:cmpxchg x; 0:load x; 1:cmpxchg x; 0:cmpxchg x; 1:load x; " * 4
BURSTS = "; ".join(f"{core}:load x; " + f"{core}:cmpxchg x; " * 4 for core in (0, 1))


def by_chance(seed, cores):
    """A schedule in which each core loads a word before it writes it."""
    chance, seen, words = random.Random(seed), set(), []
    for _turn in range(80):
        core, word = chance.randrange(cores), chance.choice(WORDS)
        operation = chance.choice(OPERATIONS) if (core, word) in seen else "load"
        seen.add((core, word))
        words.append(f"{core}:{operation} {word}")
    return "; ".join(words)


@pytest.mark.parametrize(("cores", "count"), [(2, 6), (3, 11)])
def test_one_may_write_or_many_may_read(cores, count):
    table = transitions(cores)
    states = {key[:cores] for key in table}
    # all invalid; one M; one E; or two and more S: a copy never goes alone, as nothing is evicted
    assert len(states) == count
    for key, (after, request, source) in table.items():
        before, core, write = key[:cores], int(key[cores]), key[-1] == "w"
        assert len(set(after) & set("ME")) == 0 or after.count("I") == cores - 1
        assert after[core] == "M" if write else after[core] != "I"
        assert (source is None) == (before[core] != "I")
        assert source in (None, MEMORY) or before[source] == "M"
        assert (after == before or (before[core], write) == ("E", True)) == (request == "")


@pytest.mark.parametrize("cores", [2, 3])
@pytest.mark.parametrize("apart", [False, True])
def test_caches_and_memory_agree_with_a_single_memory(cores, apart):
    for seed in range(20):
        schedule = by_chance(seed, cores)
        run, truth = play(schedule, cores, apart=apart), dict.fromkeys(WORDS, 0)
        for turn in run.turns:
            assert turn.found in (None, truth[turn.word])
            assert turn.failed == (turn.operation == "cmpxchg" and turn.expected != truth[turn.word])
            if turn.wrote is not None:
                truth[turn.word] = turn.wrote
        for word in WORDS:
            values = {cache[word] for cache in run.caches if word in cache}
            assert values <= {truth[word]}
            last = next(turn.after for turn in reversed(run.turns) if turn.word == word or not apart)
            assert "M" in last or run.memory[word] == truth[word]


def test_a_failing_cmpxchg_takes_the_line():
    run = play(FAILING)
    assert [turn.after for turn in run.turns] == ["EI", "SS", "MI", "IM"]
    assert (run.turns[-1].failed, run.turns[-1].source, run.failures) == (True, 0, 1)
    assert (run.transfers, run.fetched, run.invalidated) == (1, 2, 2)


def test_false_sharing_ends_with_a_line_each():
    together, apart = play(SHARING), play(SHARING, apart=True)
    assert (together.transfers, apart.transfers) == (5, 0)
    assert apart.failures == together.failures == 0
    assert [turn.wrote for turn in together.turns] == [turn.wrote for turn in apart.turns]


def test_bursts_make_the_same_increments_with_few_transfers():
    for schedule, transfers in ((BURSTS, 1), (SPOILT, 16)):
        run = play(schedule)
        counted = [sum(turn.wrote is not None for turn in run.turns if turn.core == core) for core in (0, 1)]
        assert (counted, run.transfers) == ([4, 4], transfers)


def test_errors_say_what_a_turn_is():
    for schedule in ("2:load x", "0:add x", "0:load z", "load x", "0 load x"):
        with pytest.raises(ValueError, match="is no turn; write a core from 0 to 1"):
            play(schedule)
    with pytest.raises(ValueError, match="core 1 has not loaded x yet"):
        play("0:load x; 1:cmpxchg x")
    with pytest.raises(ValueError, match="2 or 3 cores, not 4"):
        play("", 4)
    with pytest.raises(ValueError, match="no size 'huge'"):
        Mesi(size="huge")
    play("2:load x", 3)


def test_text_is_a_table_of_the_turns():
    before = cmpx.language()
    try:
        cmpx.language("en")
        said = repr(Mesi(FAILING)).splitlines()
        assert said[0] == "Who has the line? x and y share a line"
        assert said[1].split() == ["access", "states", "over", "the", "interconnect", "result"]
        assert said[5].split("  ")[-1] == "fails: 0 expected, 1 found"
        assert "cmpxchg x  M I → I M  read for ownership, from core 0, written back" in said[5]
        assert said[6] == "transfers: 1, from memory: 2, copies invalidated: 2, failed cmpxchg: 1"
        cmpx.language("zh")
        assert "失败：期望 0，读到 1" in repr(Mesi(FAILING))
        assert "0 号核" in Mesi(FAILING)._repr_html_()
    finally:
        cmpx.language(before)
