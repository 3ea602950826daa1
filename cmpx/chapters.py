"""The table of contents of the book: its manifest, and a picture of it with the reader's own way through it."""

import re
import tomllib
from dataclasses import dataclass, field
from functools import cache
from html import escape
from importlib.resources import files
from typing import Any

from cmpx.languages import _, language
from cmpx.progress import commitments, visited

__all__ = ["Chapter", "Contents", "Route", "chapters", "contents", "routes"]

# One colour a route, of the Okabe–Ito palette; each route also has a column of its own.
_COLOURS = ("#e69f00", "#56b4e9", "#cc79a7")


@dataclass(frozen=True)
class Chapter:
    """One chapter; texts are in both languages.

    Parameters
    ----------
    name : str
        Of its file, without the ending.
    title : dict
        Its short title.
    minutes : int
        What its opening says it takes.
    needs : tuple of str
        The chapters that it builds on.
    question, tempting : dict
        What it asks, and the answer that most readers pick; empty in an appendix.
    listings, widgets : tuple of str
        The bundled listings and the widgets that it uses.
    """

    name: str
    title: dict[str, str]
    minutes: int = 0
    needs: tuple[str, ...] = ()
    question: dict[str, str] = field(default_factory=dict)
    tempting: dict[str, str] = field(default_factory=dict)
    listings: tuple[str, ...] = ()
    widgets: tuple[str, ...] = ()

    @property
    def number(self) -> str:
        """What stands before the first dash."""
        return self.name.partition("-")[0]


@dataclass(frozen=True)
class Route:
    """A way through the book for one kind of reader."""

    title: dict[str, str]
    chapters: tuple[str, ...]

    def say(self, language: str) -> str:
        """Whom it is for, and the numbers of its chapters."""
        colon = {"en": ": ", "zh": "："}[language]
        return self.title[language] + colon + " → ".join(name.partition("-")[0] for name in self.chapters)


@cache
def _manifest() -> dict[str, Any]:
    return tomllib.loads((files("cmpx") / "chapters.toml").read_text("utf-8"))


@cache
def chapters() -> tuple[Chapter, ...]:
    """All chapters in reading order."""
    found = []
    for table in _manifest()["chapters"]:
        arguments: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in table.items()}
        found.append(Chapter(**arguments))
    return tuple(found)


@cache
def routes() -> tuple[Route, ...]:
    """The ways through the book."""
    return tuple(Route({"en": r["en"], "zh": r["zh"]}, tuple(r["chapters"])) for r in _manifest()["routes"])


def _code(text: str) -> str:
    """HTML of a text in which `code` stands in backticks."""
    return re.sub("`([^`]*)`", r"<code>\1</code>", escape(text))


class Contents:
    """The chapters as a picture, with links, the routes, and what this reader has run and predicted so far."""

    def __init__(self) -> None:
        self._visited = visited()
        self._held: dict[tuple[str, str], bool] = {}
        for each in commitments():
            # a prediction is the first answer; those after it were given with the reply in sight
            self._held.setdefault((each.chapter, each.asked), each.right)

    def _state(self, chapter: Chapter) -> str:
        """What the reader did there, in words."""
        told = {
            True: {"first": _("prediction held"), "again": _("held again")},
            False: {"first": _("prediction did not hold"), "again": _("did not hold again")},
        }
        said = [told[self._held[chapter.name, a]][a] for a in ("first", "again") if (chapter.name, a) in self._held]
        if not said and chapter.name in self._visited:
            said = [_("run")]
        return ", ".join(said) if language() == "en" else "，".join(said)

    def __repr__(self) -> str:
        colon = {"en": ": ", "zh": "："}[language()]
        lines = []
        for chapter in chapters():
            parts = [f"{chapter.number:2} {chapter.title[language()]}", *filter(None, [chapter.question.get(language())])]
            state = self._state(chapter)
            lines.append(colon.join(parts) + (f"  [{state}]" if state else ""))
        return "\n".join([*lines, *(route.say(language()) for route in routes())])

    def _repr_html_(self) -> str:
        tongue = language()
        line = "position:absolute;left:50%;width:4px;margin-left:-2px;"
        stop = "position:absolute;left:50%;top:50%;width:14px;height:14px;margin:-7px;border-radius:50%;box-sizing:border-box;"
        left = "text-align:left"
        cell = "position:relative;padding:0;width:2.2em"

        def station(route: Route, colour: str, name: str) -> str:
            names = [chapter.name for chapter in chapters()]
            first, last, here = (names.index(n) for n in (route.chapters[0], route.chapters[-1], name))
            marks = ""
            if first <= here <= last:
                top, bottom = ("50%" if here == end else "0" for end in (first, last))
                marks = f'<span style="{line}top:{top};bottom:{bottom};background:{colour}"></span>'
            if name in route.chapters:
                marks += f'<span style="{stop}background:{colour};border:2px solid var(--jp-ui-font-color1,#222)"></span>'
                marks += f'<span style="position:absolute;clip-path:inset(50%)">{escape(route.title[tongue])}</span>'
            return f'<td style="{cell}">{marks}</td>'

        rows = []
        for chapter in chapters():
            title = f'<a href="{chapter.name}.ipynb">{chapter.number} {escape(chapter.title[tongue])}</a>'
            needs = ", ".join(name.partition("-")[0] for name in chapter.needs)
            time = _("{count} min").format(count=chapter.minutes) + (
                _(", after {numbers}").format(numbers=needs) if needs else ""
            )
            rows.append(
                "<tr>"
                + "".join(station(*pair, chapter.name) for pair in zip(routes(), _COLOURS, strict=True))
                + f'<td style="{left};white-space:nowrap"><b>{title}</b></td>'
                + f'<td style="{left}">{_code(chapter.question.get(tongue, ""))}</td>'
                + f'<td style="{left};white-space:nowrap">{time}</td>'
                + f'<td style="{left}">{escape(self._state(chapter))}</td></tr>'
            )
        key = " ".join(
            f'<span style="white-space:nowrap;margin-right:1.5em"><span style="display:inline-block;width:12px;height:12px;'
            f'border-radius:50%;background:{colour}"></span> {escape(route.say(tongue))}</span>'
            for route, colour in zip(routes(), _COLOURS, strict=True)
        )
        headings = _("chapter"), _("its question"), _("time"), _("you")
        head = "".join(f'<th style="{left}">{escape(text)}</th>' for text in headings)
        return (
            '<table style="border-collapse:collapse;font-size:13px">'
            f'<caption style="{left};padding:4px 0;white-space:normal">{key}</caption>'
            f"<thead><tr>{'<td></td>' * len(routes())}{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
        )


def contents() -> Contents:
    """The chapters as a picture: routes, links, what you have run, and which of your predictions held."""
    return Contents()
