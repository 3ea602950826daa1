"""The book's terms in both languages, and the chapter that teaches each."""

import csv
from importlib.resources import files
from typing import NamedTuple

from cmpx.chapters import chapters
from cmpx.languages import _, language

__all__ = ["Term", "Terms", "terms"]


class Term(NamedTuple):
    """One term, and the name of the chapter that teaches it, if there is one yet."""

    en: str
    zh: str
    chapter: str


class Terms(tuple[Term, ...]):
    """Terms as a table."""

    def _rows(self) -> list[tuple[str, str, str]]:
        first, other = {"en": ("en", "zh"), "zh": ("zh", "en")}[language()]
        return [(getattr(term, first), getattr(term, other), term.chapter) for term in self]

    def __repr__(self) -> str:
        return "\n".join(f"{first} | {second} | {chapter.partition('-')[0]}" for first, second, chapter in self._rows())

    def _repr_markdown_(self) -> str:
        titles = {chapter.name: f"{chapter.number} {chapter.title[language()]}" for chapter in chapters()}
        lines = [f"| {_('term')} | {_('in Chinese')} | {_('taught in')} |", "|:--|:--|:--|"]
        for first, second, chapter in self._rows():
            place = f"[{titles[chapter]}]({chapter}.ipynb)" if chapter else ""
            lines.append(f"| {first} | {second} | {place} |")
        return "\n".join(lines)


def terms() -> Terms:
    """All terms, in the order in which the reader's language looks them up."""
    rows = csv.DictReader((files("cmpx") / "glossary.csv").read_text("utf-8").splitlines())
    found = [Term(row["en"], row["zh"], row.get("chapter") or "") for row in rows]
    # Chinese dictionaries go by pronunciation, which GB 18030 follows for the common characters
    return Terms(sorted(found, key=lambda term: term.en.lower() if language() == "en" else term.zh.encode("gb18030")))
