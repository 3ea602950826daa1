"""The table of contents, and the reader's way through it."""

import os
import re
from pathlib import Path

import pytest

import cmpx
from cmpx import progress
from cmpx.chapters import chapters, contents, routes
from cmpx.glossary import terms

BOOK = Path(__file__).parent.parent / "notebooks"


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A reader who has answered nothing yet, at the start page."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.chdir(BOOK / "en")


def test_manifest_is_sound():
    names = [chapter.name for chapter in chapters()]
    assert names == sorted(names)
    assert len(names) == 15
    for place, chapter in enumerate(chapters()):
        assert set(chapter.needs) <= set(names[:place]), "a chapter needs earlier ones"
        for texts in (chapter.title, chapter.question, chapter.tempting):
            assert set(texts) in ({"en", "zh"}, set())
    for route in routes():
        assert list(route.chapters) == sorted(set(route.chapters) & set(names))


def test_contents_as_text_and_as_picture():
    text, picture = repr(contents()), contents()._repr_html_()
    for chapter in chapters():
        assert f"{chapter.number:2} {chapter.title['en']}" in text
        assert os.path.exists(f"{chapter.name}.ipynb")
        assert f'href="{chapter.name}.ipynb"' in picture
    assert "In a hurry: 02 → 06 → 13" in text
    assert "In a hurry: 02 → 06 → 13" in picture
    assert not re.search("prediction|run", text.partition("In a hurry")[0].replace("ran", ""))
    cmpx.language("zh")
    assert "赶时间：02 → 06 → 13" in repr(contents())


def test_contents_tell_what_was_run_and_what_held():
    progress.visit("00-start-here")
    progress.visit("02-cmpxchg")
    progress.commit("02-cmpxchg", "first", 1, "certain", False)
    progress.commit("02-cmpxchg", "first", 3, "certain", True)  # with the reply in sight
    progress.commit("02-cmpxchg", "again", 2, "guessing", True)
    progress.commit("03-cas-loop", "first", 0, "guessing", True)
    lines = {line[:2]: line.partition("  [")[2] for line in repr(contents()).splitlines()}
    assert lines["00"] == "run]"
    assert lines["02"] == "prediction did not hold, held again]"
    assert lines["03"] == "prediction held]"
    assert lines["01"] == ""
    assert "prediction did not hold, held again" in contents()._repr_html_()


def test_terms_in_the_order_of_each_language():
    english = terms()
    assert [term.en.lower() for term in english] == sorted(term.en.lower() for term in english)
    cmpx.language("zh")
    chinese = [term.zh for term in terms()]
    assert chinese.index("饱和") < chinese.index("存储") < chinese.index("原子")
    assert "| 原子 | atomic |" in terms()._repr_markdown_()
