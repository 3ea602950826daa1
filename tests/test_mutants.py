"""check() finds every mutant, by a schedule that always comes to the same line, and nothing in a right listing."""

import json

import mutants
import pytest

from cmpx import worker
from cmpx.toolchain import program

MUTANTS = mutants.mutants()
RIGHTS = list(mutants.rights())
REPLAYS = 100


def replays(mutant: mutants.Mutant, schedule: str) -> set[str]:
    """Who did what at which instruction, and how it ended: what the machine says, many times over."""
    job = {"verb": "replay", "memory": mutant.right.memory, "schedule": schedule, "deadline": 30}
    job["path"] = mutant.listing().build(0, None).path
    machine = program("machine")
    said = set()
    for _ in range(REPLAYS):
        steps = worker.run(machine, job).answer["steps"]
        ends = [(step["finding"]["trouble"], step["finding"]["pc"]) for step in steps if "finding" in step]
        said.add(json.dumps([[(step["action"], step["kind"], step["pc"], step["trouble"]) for step in steps], ends]))
    return said


def test_enough_of_each():
    assert len(MUTANTS) >= 40
    assert len({mutant.operator for mutant in MUTANTS}) >= 5
    assert len({mutant.right.name for mutant in MUTANTS}) >= 20
    assert len({(mutant.right, mutant.text) for mutant in MUTANTS}) == len(MUTANTS)


@pytest.mark.parametrize("right", RIGHTS, ids=lambda right: f"{right.name} {right.memory}")
def test_nothing_is_found_in_a_right_listing(right):
    verdict = right.listing().check(right.memory)
    assert verdict.status == "holds", str(verdict)
    assert verdict.bad_interleavings == 0


@pytest.mark.parametrize("mutant", MUTANTS, ids=str)
def test_a_mutant_is_found_and_its_schedule_replays(mutant):
    verdict = mutant.listing().check(mutant.right.memory)
    assert verdict.status == "fails", str(verdict)
    finding = verdict.findings[0]
    trace = finding.trace
    again = mutant.listing().replay(trace.schedule, mutant.right.memory)
    assert again.steps == trace.steps
    # a livelock is no single step: its schedule leads to where nothing else can follow
    assert again.end == ("" if finding.kind in ("livelock", "deadlock") else finding.message)
    assert len(replays(mutant, trace.schedule)) == 1


def test_a_second_failure_needs_two_preemptions():
    late = [mutant for mutant in MUTANTS if mutant.operator.startswith("second failure")]
    assert len(late) >= 15
    assert all(mutants.preemptions(mutant) >= 2 for mutant in late)
