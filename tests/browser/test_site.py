"""The site, opened from a folder by a browser without a network: two chapters of it, or all that stand in $CMPX_SITE."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from labserver import BOOK
from playwright.sync_api import Browser, Page, Request, expect
from proofread import read, title

CHAPTERS = "02-cmpxchg", "03-cas-loop"
PICTURES = """async () => {
    const images = [...document.images];
    images.forEach((image) => (image.loading = "eager"));
    await Promise.all(images.map((image) => image.decode()));
    return images.filter((image) => !image.alt || !image.naturalWidth).map((image) => image.src);
}"""


def heading(language: str, chapter: str) -> str:
    return title(read(BOOK / "notebooks" / language / f"{chapter}.ipynb"))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if "CMPX_SITE" in os.environ:
        return Path(os.environ["CMPX_SITE"]).resolve()
    folder = tmp_path_factory.mktemp("site")
    subprocess.run([sys.executable, "-m", "tools.pages", folder, *CHAPTERS], cwd=BOOK, check=True)
    return folder


@pytest.fixture
def page(site: Path, browser: Browser) -> Iterator[Page]:
    """A tab that may complain of nothing, and load nothing but what is in the folder."""
    context = browser.new_context(offline=True)
    tab = context.new_page()
    wrong: list[str] = []

    def look(request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme != "data" and not (parts.scheme == "file" and Path(unquote(parts.path)).is_relative_to(site)):
            wrong.append(request.url)

    tab.on("request", look)
    tab.on("requestfailed", lambda request: wrong.append(request.url))
    tab.on("pageerror", lambda error: wrong.append(str(error)))
    tab.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    yield tab
    context.close()
    assert wrong == []


def test_from_the_door_through_the_book_and_into_the_other_language(site: Path, page: Page) -> None:
    page.goto((site / "index.html").as_uri())
    page.get_by_role("link", name="English").click()
    page.locator("article").get_by_role("link", name="02 cmpxchg").click()
    page.locator("footer").get_by_role("link", name="Next").click()
    expect(page).to_have_title(f"{heading('en', '03-cas-loop')} - cmpx")
    page.locator(".switch").click()
    expect(page).to_have_title(f"{heading('zh', '03-cas-loop')} - cmpx")
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    page.locator("article").get_by_role("link", name="第 02 章").first.click()
    page.locator(".switch").click()
    assert page.url == (site / "en/02-cmpxchg.html").as_uri()


@pytest.mark.parametrize(  # the heading of which chapter a search must find
    ("language", "words", "found"),
    [
        ("en", "backoff", "03-cas-loop"),
        ("zh", "退避", "03-cas-loop"),
        ("zh", "写权限ret", "02-cmpxchg"),
        ("zh", "子虚乌有", None),
    ],
)
def test_search(site: Path, page: Page, language: str, words: str, found: str | None) -> None:
    page.goto((site / language / "index.html").as_uri())
    page.get_by_role("search").get_by_role("textbox").fill(words)
    page.keyboard.press("Enter")
    expect(page.locator("#search-results > p.search-summary")).to_have_text(re.compile(r"\S"))
    hits = page.locator("#search-results li > a", has_text=heading(language, found) if found else None)
    expect(hits).to_have_count(1 if found else 0)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_page_is_whole_and_steps_on_a_phone(site: Path, page: Page, language: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    paths = sorted((site / language).glob("[0-9A]*.html"))
    assert paths
    for path in paths:
        page.goto(path.as_uri())
        assert page.evaluate(PICTURES) == [], path
        assert page.evaluate("document.documentElement.scrollWidth") == 390, path
        assert page.locator("article .cmpx-predict").count() > 0, path
        assert not page.get_by_text("```mermaid").count(), path
        links = [urlsplit(str(link.get_attribute("href"))) for link in page.locator("article a[href]").all()]
        here = [link.path for link in links if not link.scheme and link.path]
        if "CMPX_SITE" in os.environ:
            assert [name for name in here if not (path.parent / name).exists()] == [], path
        for stepper in page.locator(".cmpx-stepper").all():
            stepper.focus()
            page.keyboard.press("0")
            before = stepper.inner_text()
            page.keyboard.press("1")
            expect(stepper).not_to_have_text(before, use_inner_text=True)


def test_widgets_live(site: Path, page: Page) -> None:
    page.goto((site / "en/02-cmpxchg.html").as_uri())
    question = page.locator(".cmpx-predict").first
    question.get_by_role("radio", name="B 7").check()
    question.get_by_text("certain").click()
    question.get_by_role("button", name="Commit").click()
    expect(question.locator(".verdict")).to_have_text("✗ Not B. You were certain.")

    stepper = page.locator(".cmpx-stepper")
    stepper.focus()
    page.keyboard.press("0")
    page.keyboard.press("1")
    expect(stepper).to_contain_text("cmpxchg of x fails: 5 expected, 7 found")

    grid = page.locator(".cmpx-bits")
    grid.get_by_role("button", name="bit 256 ON").click()
    expect(grid.get_by_label("Hexadecimal value of control")).to_have_value("0x0000000300f20001")
    expect(grid.locator(".story")).to_have_text("✓ Memory held the value shown: cmpxchg wrote the new one.")
    number = grid.get_by_label("Hexadecimal value of pir[1]")
    number.fill("ff")
    number.press("Enter")
    expect(grid.get_by_role("button", name="bit 39 PIR")).to_have_attribute("aria-pressed", "true")


def test_solutions_unfold_and_colours_follow_the_theme(site: Path, page: Page) -> None:
    page.emulate_media(color_scheme="dark")
    page.goto((site / "zh/03-cas-loop.html").as_uri())
    solution = page.locator("article details").last
    expect(solution.locator("p").first).not_to_be_visible()
    solution.locator("summary").click()
    expect(solution.locator("p").first).to_be_visible()
    paper = "getComputedStyle(document.querySelector('{}')).backgroundColor"
    assert page.evaluate(paper.format(".cmpx-predict")) == page.evaluate(paper.format("body"))
    assert page.evaluate("document.querySelectorAll('math').length") > 0
