"""The teacher's pages say of each chapter what is true of it."""

import re
from itertools import pairwise
from pathlib import Path

import pytest
from nbformat.v4 import new_markdown_cell, new_notebook
from proofread import GLOSSARY, link_faults, prose_faults, read, read_glossary, written

import cmpx.widgets
from cmpx.chapters import chapters

ROOT = Path(__file__).parent.parent
BOOK, PAGES = ROOT / "notebooks", ROOT / "docs" / "teaching"
CHAPTERS = [chapter for chapter in written(BOOK, chapters()) if chapter.number.isdigit()]
FORBIDDEN = {variant: row["zh"] for row in read_glossary(GLOSSARY) for variant in row["forbidden"].split()}
LISTED = re.compile(r"(?:\b[Cc]ells?\s+(?:from\s)?|格子 )((?:`[^`]+`(?:,\s+|\s+and\s+|\s+to\s+|、| 和 | 到 )?)+)")
WIDGET = re.compile(rf"\b(?:{'|'.join(cmpx.widgets.__all__)})\b")


def page(language, name):
    return (PAGES / language / f"{name}.md").read_text("utf-8")


def named(text):
    """The cells that a page names."""
    return {cell for group in LISTED.findall(text) for cell in re.findall(r"`([^`]+)`", group)}


def test_each_chapter_has_a_page_in_each_language():
    for language in ("en", "zh"):
        assert {path.stem for path in (PAGES / language).iterdir()} == {"README", *(each.name for each in CHAPTERS)}


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.name)
def test_the_pages_of_a_chapter_name_what_it_has(chapter):
    pages = {language: page(language, chapter.name) for language in ("en", "zh")}
    for language, text in pages.items():
        cells = {cell.id for cell in read(BOOK / language / f"{chapter.name}.ipynb").cells}
        assert {"predict"} < named(text) <= cells
        assert set(WIDGET.findall(text)) <= {"Predict", *chapter.widgets}
        minutes = [(int(first), int(last)) for first, last in re.findall(r"(?m)^\| (\d+)–(\d+) \|", text)]
        assert (minutes[0][0], minutes[-1][1]) == (0, 45)
        assert all(before[1] == after[0] for before, after in pairwise(minutes))
        assert chapter.title[language] in text.partition("\n")[0]
    assert named(pages["en"]) == named(pages["zh"])


@pytest.mark.parametrize("language", ["en", "zh"])
def test_pages_are_proofread_and_their_links_lead_somewhere(language):
    for path in sorted((PAGES / language).glob("*.md")):
        title, links, rest = path.read_text("utf-8").split("\n\n", 2)
        cells = [new_markdown_cell(text, id=name) for text, name in ((title, "title"), (links, "links"), (rest, "text"))]
        notebook = new_notebook(cells=cells)
        faults = [*prose_faults(language, notebook, FORBIDDEN), *link_faults(path.parent, notebook, ())]
        assert faults == [], path.name
