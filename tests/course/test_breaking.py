"""Predictions that are locked in, schedules that fail, their points of no return, a listing that survives a race."""

import re
from collections.abc import Callable
from functools import cache
from itertools import product
from pathlib import Path

import pytest

from cmpx import breaking, language, listing
from cmpx.breaking import Six, listings, point_of_no_return, receipt
from cmpx.course import Assignment, grade, question
from cmpx.listings import Listing
from cmpx.progress import commitments

ANSWERS = Path(__file__).parents[1] / "answers"
# letters differ from student to student: these answers call the listings by the names of their files
BY_NAME = sorted(path for name in ("predictions", "schedules") for path in (ANSWERS / name).glob("*.txt"))
CHAPTER = "a5-break-it"


def variant(student: str = "") -> dict[str, int]:
    return question("predictions").variant(CHAPTER, student)


def lettered(text: str, student: str = "") -> str:
    """The answer as the student would have written it."""
    values = variant(student)
    for letter, (name, _listing) in listings(values).items():
        text = re.sub(rf"^(\s*){name}\b", rf"\1{letter}", text, flags=re.M)
    said = {letter: (verdict, sure) for letter, verdict, sure in breaking._PREDICTION.findall(text)}
    return text.replace("RECEIPT", f"receipt {receipt(said, values)}")


@pytest.fixture(autouse=True)
def _nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    for name in ("CMPX_STUDENT", "JUPYTERHUB_USER"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("student", ["", "zhang"])
@pytest.mark.parametrize("path", BY_NAME, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_an_answer_fails_exactly_its_properties(path: Path, student: str) -> None:
    language("zh" if student else "en")
    name, text = path.parent.name, path.read_text("utf-8")
    expected = re.match(r"# fails: ([\w ]+)", text)[1].split()
    cells = [
        ("setup", f'from cmpx.course import Assignment\na = Assignment("{CHAPTER}")', True),
        (name, f'{name} = """\n{lettered(text, student)}"""\n', False),
        (f"{name}-test", f'a.examine("{name}", {name})', True),
    ]
    report = grade(cells, student)[f"{name}-test"]
    assert list(report.failed) == {"nothing": [], "all": list(report.question.points)}.get(expected[0], expected), str(report)
    assert (report.score == 0) == (expected == ["all"]), str(report)
    assert bool(re.search(r"[\u4e00-\u9fff]", str(report))) == bool(student)


@pytest.mark.parametrize(
    "form", ['{name} = """{lines}"""', "{name} = {lines!r}", '{name} = ""\n\n{name} = """\n  {lines}  """']
)
@pytest.mark.parametrize("name", ["predictions", "schedules"])
def test_a_string_counts_as_python_reads_it(name: str, form: str) -> None:
    lines = lettered((ANSWERS / name / "reference.txt").read_text("utf-8")).partition("\n")[2].strip()
    cells = [
        ("setup", f'from cmpx.course import Assignment\na = Assignment("{CHAPTER}")', True),
        (name, form.format(name=name, lines=lines), False),
        (f"{name}-test", f'a.examine("{name}", {name})', True),
    ]
    assert not (report := grade(cells, "")[f"{name}-test"]).failed, str(report)


def test_variants_differ_and_agree_between_questions() -> None:
    orders = {"".join(name for name, _listing in listings(variant(f"student{n}")).values()) for n in range(30)}
    assert len(orders) > 3
    tables = [question(name).data["variant"] for name in ("predictions", "schedules")]
    assert tables[0] == tables[1]


@pytest.mark.parametrize("start", [min, max])
def test_the_numbers_of_a_variant_change_no_verdict(start: Callable[[list[int]], int]) -> None:
    values = {"ORDER": 0, "START": start(question("predictions").data["variant"]["START"])}
    status = {name: one.check("tso").status for name, one in listings(values).values()}
    assert sorted(name for name in status if status[name] == "fails") == ["highest", "once", "polite"]
    assert set(status.values()) == {"holds", "fails"}


def test_one_of_them_is_broken_by_store_buffers_alone() -> None:
    found = {name: (one.check("sc").status, one.check("tso").status) for name, one in listings(variant()).values()}
    assert [name for name, verdicts in found.items() if verdicts == ("holds", "fails")] == ["polite"]
    assert ("fails", "holds") not in found.values()


# -- the lock ----------------------------------------------------------------------------------------------------------


def test_a_lock_keeps_what_came_first(capsys: pytest.CaptureFixture[str]) -> None:
    a5 = Assignment(CHAPTER)
    six = Six(a5)
    with pytest.raises(ValueError, match="lock in"):
        six["A"]
    assert a5.examine("schedules", "") == 0
    assert "lock in" in capsys.readouterr().out

    text = lettered((ANSWERS / "predictions/one_wrong.txt").read_text("utf-8"))
    bare = text.rpartition("receipt")[0]
    assert a5.examine("predictions", bare) == 0
    written = re.search(r"receipt [0-9a-f]{8}", capsys.readouterr().out)[0]
    assert written in text
    first = commitments()
    assert [each.chapter for each in first] == [CHAPTER] * 6
    assert [each.right for each in first].count(False) == 1

    assert a5.examine("predictions", f"{bare}{written}") == 20
    said = capsys.readouterr().out
    assert "Locked in" in said
    # nothing tells which one is wrong
    assert not re.search(r"^\s*[A-F]\b", said, re.M)
    assert six["A"].check().status in ("holds", "fails")

    better = lettered((ANSWERS / "predictions/reference.txt").read_text("utf-8"))
    assert a5.examine("predictions", better) == 0
    assert first[0].time in capsys.readouterr().out
    assert commitments() == first


def test_a_receipt_belongs_to_its_variant() -> None:
    said = dict.fromkeys("ABCDEF", ("holds", "guessing"))
    values = {"ORDER": 0, "START": 3}
    assert receipt(said, values) == receipt(dict(reversed(said.items())), values)
    others = [receipt(said, {"ORDER": 1, "START": 3}), receipt(said | {"C": ("holds", "certain")}, values)]
    assert len({receipt(said, values), *others}) == 3


# -- points of no return -----------------------------------------------------------------------------------------------


def test_a_point_of_no_return_is_what_its_definition_says() -> None:
    _name, one = next(each for each in listings(variant()).values() if each[0] == "highest")
    replay = cache(lambda actions: one.replay(" ".join(actions)))

    @cache
    def ends_well(begun: tuple[str, ...]) -> bool:
        if replay(begun).end:
            return False
        longer = [(*begun, name) for name in "ab"]
        possible = [each for each in longer if len(replay(each).steps) == len(each)]
        return any(map(ends_well, possible)) if possible else True

    seen = []
    for actions in product("ab", repeat=5):
        trace = replay(actions)
        taken = tuple(step.action for step in trace.steps)
        expected = next((steps for steps in range(len(taken) + 1) if not ends_well(taken[:steps])), None)
        assert point_of_no_return(one, trace) == expected, taken
        seen.append(expected)
    assert {None, 3} <= set(seen)


@pytest.mark.parametrize("memory", ["sc", "tso"])
def test_points_of_no_return_agree_with_check(memory: str) -> None:
    small = [listing(name, UPDATES=1, POSTS=1) for name in ("pi_post_block_store", "pi_post_block_stale")]
    own = [one for _name, one in listings(variant()).values()]
    checked = 0
    for one in (*small, *own, listing("sb"), listing("two_writes")):
        for finding in one.check(memory).findings:
            assert point_of_no_return(one, finding.trace, memory) == finding.trace.no_return
            checked += 1
    assert checked > 3


def test_nothing_is_said_of_a_graph_that_was_not_seen_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(breaking, "STATES", 3)
    one = listing("pi_post_block")
    with pytest.raises(ValueError, match="not all"):
        point_of_no_return(one, one.replay("cpu"))


# -- the listing that survives -----------------------------------------------------------------------------------------


def test_a_machine_with_one_processor_cannot_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cmpx.listings.usable_cpus", lambda: 1)
    monkeypatch.setattr("cmpx.rounds.usable_cpus", lambda: 1)
    monkeypatch.setattr(breaking, "usable_cpus", lambda: 1)
    with pytest.raises(RuntimeError, match="two processors"):
        Assignment(CHAPTER).examine("survivor", Listing((ANSWERS / "survivor/reference.c").read_text("utf-8")))
