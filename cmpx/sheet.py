"""What a class got wrong: totals without names, from the graded notebooks and from what students answered to `Predict`."""

import csv
import glob
import json
import sys
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import nbformat

from cmpx.course import PROPERTIES, question
from cmpx.grading import REPORT
from cmpx.languages import _, language

__all__ = ["FEW", "Row", "failed", "predicted", "sheet"]

FEW = 3  # a number below this could point at somebody: it is shown as a range, and of so few nothing is shown


@dataclass(frozen=True)
class Row:
    """How many students have one thing in common.

    Parameters
    ----------
    about : str
        A question, or a chapter and which time it asked, such as "06-pi-post-block again".
    what : str
        The property that failed, or the letter of a wrong choice.
    text : str
        The same in words, in the reader's language.
    count, of : int
        How many, and of how many.
    """

    about: str
    what: str
    text: str
    count: int
    of: int

    @property
    def shown(self) -> str:
        """The number as it may be shown."""
        return str(self.count) if not 0 < self.count < FEW else f"1–{FEW - 1}"


def failed(notebooks: Iterable[Path]) -> list[Row]:
    """How many answers failed each property of each question.

    Parameters
    ----------
    notebooks : iterable of Path
        As they stand after grading, one a student.
    """
    reports = [report for path in notebooks for report in _reports(path)]
    rows = []
    for name in sorted({report["question"] for report in reports}):
        mine = [report for report in reports if report["question"] == name]
        titles = question(name).data.get("titles", {})
        for each in (each for each in PROPERTIES if each in mine[0]["points"]):
            count = sum(report["earned"][each] < report["points"][each] for report in mine)
            text = titles[each].get(language()) if each in titles else _(each)
            rows.append(Row(name, each, text, count, len(mine)))
    return rows


def _reports(path: Path) -> Iterator[dict[str, Any]]:
    for cell in nbformat.read(path, as_version=4).cells:
        for output in cell.get("outputs", ()):
            if REPORT in output.get("data", {}):
                yield output.data[REPORT]


def predicted(progress: Iterable[Path]) -> list[Row]:
    """How many students chose each wrong answer, the first time that a question was put to them.

    Parameters
    ----------
    progress : iterable of Path
        The ``progress.jsonl`` of each student; see `cmpx.progress`.
    """
    chosen: Counter[tuple[str, str, int]] = Counter()
    asked: Counter[tuple[str, str]] = Counter()
    for path in progress:
        for key, choice in _first(path).items():
            asked[key] += 1
            chosen[*key, choice] += 1
    rows = []
    for (chapter, time), of in sorted(asked.items()):
        for number, each in enumerate(_choices(chapter, time)):
            if "right" not in each:
                text = each["text"][language()]
                about = chapter if time == "first" else f"{chapter} {time}"
                rows.append(Row(about, "ABCD"[number], text, chosen[chapter, time, number], of))
    return rows


def _choices(chapter: str, time: str) -> list[dict[str, Any]]:
    """Of one question; none if there is no such question."""
    known = {file.name: file for file in (files("cmpx") / "predictions").iterdir()}
    file = known.get(f"{chapter}.toml")
    found: list[dict[str, Any]] = tomllib.loads(file.read_text("utf-8")).get(time, {}).get("choices", []) if file else []
    return found


def _first(path: Path) -> dict[tuple[str, str], int]:
    """What one student answered at first; lines that make no sense are passed over."""
    found: dict[tuple[str, str], int] = {}
    for line in path.read_bytes().splitlines():
        with suppress(ValueError, KeyError, TypeError, IndexError):
            event = json.loads(line)
            chapter, time, choice = event["chapter"], event["asked"], event["choice"]
            if "text" in _choices(chapter, time)[choice] and choice >= 0:
                found.setdefault((chapter, time), choice)
    return found


def sheet(assignment: str, progress: list[str]) -> int:
    """Print the sheet of an assignment, and write it beside the gradebook as a table and a picture.

    Parameters
    ----------
    assignment : str
        Its name.
    progress : list of str
        Paths of ``progress.jsonl`` files; ``*`` and ``**`` are understood.

    Returns
    -------
    int
        0, or 1 if there is nothing to count.
    """
    from cmpx.plotting import plot_sheet
    from cmpx.pool import configured, course

    place = course(configured(), assignment)
    notebooks = glob.glob(str(Path(place.format_path(place.autograded_directory, "*", assignment), f"{assignment}.ipynb")))
    answers = [Path(path) for pattern in progress for path in glob.glob(pattern, recursive=True)]
    failures, predictions = failed(map(Path, notebooks)), predicted(answers)
    rows = [row for row in failures + predictions if row.of >= FEW]
    if not rows:
        print(_("nothing to show yet: it takes {few} students").format(few=FEW), file=sys.stderr)
        return 1
    for row in rows:
        print(f"{row.shown:>5} / {row.of:<4} {row.about}: {row.what + '. ' if row in predictions else ''}{row.text}")
    table = Path(place.root, f"sheet-{assignment}.csv")
    with table.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["about", "what", "text", "students", "of"])
        writer.writerows((row.about, row.what, row.text, row.shown, row.of) for row in rows)
    picture = table.with_suffix(".png")
    plot_sheet(assignment, rows).savefig(picture, dpi=150)
    print(_("written: {table}, {picture}").format(table=table.name, picture=picture.name))
    return 0
