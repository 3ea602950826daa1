"""Cache lines moved by hand, in pages without a kernel: the tasks by keyboard, and the page's values against the model's."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from labserver import Lab, Tab
from playwright.sync_api import Browser, Page, expect

import cmpx
from cmpx.mesi import OPERATIONS, WORDS, play, transitions
from cmpx.widgets import Mesi
from cmpx.widgets.front import module


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    one = browser.new_page(viewport={"width": 900, "height": 900})
    errors: list[str] = []
    one.on("pageerror", lambda error: errors.append(str(error)))
    yield one
    one.close()
    assert errors == []


def show(page: Page, folder: Path, widget: Mesi) -> None:
    path = folder / "page.html"
    path.write_text(f"<!doctype html><meta charset=utf-8><title>x</title>{widget._repr_html_()}", "utf-8")
    page.goto(path.as_uri())


def press(page: Page, keys: str) -> None:
    for key in keys.split():
        page.keyboard.press(key)


@pytest.mark.parametrize(
    ("language", "failed", "shared", "apart", "both"),
    [
        ("en", "It failed, and took the line", "now move y", "with a line each: 0 transfers", "fewest 1, most 14"),
        ("zh", "失败了，缓存行照样拿走", "该搬 y 了", "各住一行：传输 0 次", "最少 1，最多 14"),
    ],
)
def test_tasks_by_keyboard(page: Page, tmp_path: Path, language: str, failed: str, shared: str, apart: str, both: str) -> None:
    cmpx.language(language)
    show(page, tmp_path, Mesi())
    widget = page.locator(".cmpx-mesi")
    told = widget.locator(".told")
    press(page, "Tab Tab Tab 0 c")
    expect(widget).to_have_attribute("data-turns", "0")  # it has loaded nothing yet
    press(page, "l 1 l 0 c")
    expect(widget).to_have_attribute("data-done", "000")
    press(page, "1 c")
    expect(widget).to_have_attribute("data-done", "100")
    expect(told).to_contain_text(failed)
    expect(widget.locator("tr.failed")).to_have_count(1)

    press(page, "r 0 l 1 Shift+L" + " 0 s 1 Shift+S" * 3)
    expect(widget.locator(".score").nth(1)).to_have_text(shared)
    press(page, "a")
    expect(told).to_contain_text(apart)
    expect(widget).to_have_attribute("data-done", "110")

    press(page, "a r 0 l c c c c 1 l c c c c")
    expect(widget).to_have_attribute("data-done", "110")
    press(page, "r 0 l 1 l" + " 0 c 1 c 0 l 1 c 0 c 1 l" * 4)
    expect(widget).to_have_attribute("data-done", "111")
    expect(widget.locator(".score").nth(2)).to_have_text(both)
    widget.get_by_role("button", name={"en": "中文", "zh": "English"}[language]).click()
    expect(told).to_contain_text({"zh": "Turn ", "en": "第 "}[language])
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_page_moves_the_values_as_the_model_does(page: Page) -> None:
    page.goto("about:blank")
    page.add_script_tag(content=module("mesi"))
    for seed in range(30):
        chance, turns, seen = random.Random(seed), [], set()
        cores, apart = chance.choice((2, 3)), chance.random() < 0.5
        for _turn in range(60):
            core, word = chance.randrange(cores), chance.randrange(2)
            turns.append([core, chance.randrange(3) if (core, word) in seen else 0, word])
            seen.add((core, word))
        run = play("; ".join(f"{core}:{OPERATIONS[what]} {WORDS[word]}" for core, what, word in turns), cores, apart=apart)
        there = page.evaluate("([table, ...rest]) => play(table, ...rest)", [transitions(cores), cores, apart, turns])
        names = ("before", "after", "request", "source", "expected", "found", "failed")
        assert [[turn[name] for name in names] for turn in there["told"]] == [
            [getattr(turn, name) for name in names] for turn in run.turns
        ]
        assert there["memory"] == list(run.memory.values())
        assert there["caches"] == [[cache.get(word) for word in WORDS] for cache in run.caches]
        assert [there[name] for name in ("transfers", "fetched", "invalidated", "failures")] == [
            run.transfers,
            run.fetched,
            run.invalidated,
            run.failures,
        ]


def test_in_jupyterlab_by_mouse_begins_with_a_run(lab: Lab, tab: Tab) -> None:
    schedule = "0:load x; 1:load x; 0:cmpxchg x"
    tab.open(lab.write("notebooks/en/mesi.ipynb", f'from cmpx.widgets import Mesi\nMesi("{schedule}")'))
    tab.run_all()
    widget = tab.page.locator(".cmpx-mesi")
    expect(widget).to_have_attribute("data-turns", "3")
    widget.get_by_role("button", name="core 1: cmpxchg x").click()
    expect(widget).to_have_attribute("data-done", "100")
    assert tab.errors() == []
