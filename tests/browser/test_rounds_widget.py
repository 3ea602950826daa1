"""A listing raced live, in a real JupyterLab: by button, in both languages."""

import json

import pytest
from labserver import Lab, Tab
from playwright.sync_api import expect

# Two processes race here even on a machine of one processor, where the widget would say that it cannot.
CELL = """import cmpx.listings, cmpx.rounds
cmpx.listings.usable_cpus = cmpx.rounds.usable_cpus = lambda: 2
from cmpx import Listing, language, listing
from cmpx.widgets import Racer
language({language!r})
racer = Racer({listing})
racer"""
WORDS = {"en": ("Start", "Stop", "failing rounds", "null pointer"), "zh": ("开始", "停止", "出错的轮次", "空指针")}


@pytest.mark.parametrize("language", ["en", "zh"])
def test_outcomes_on_the_screen_are_the_result(lab: Lab, tab: Tab, language: str) -> None:
    start, stop, failing, _null = WORDS[language]
    tab.open(lab.write(f"rounds-{language}.ipynb", CELL.format(language=language, listing='listing("counter_cas")')))
    tab.run_all()
    widget = tab.page.locator(".cmpx-rounds")
    expect(widget).to_contain_text(failing, timeout=60_000)
    button = widget.locator(".start")
    expect(button).to_have_text(start)
    button.focus()
    tab.page.keyboard.press("Enter")
    expect(widget).to_have_attribute("data-status", "running", timeout=20_000)
    expect(widget.locator(".bar .name")).to_have_text("x=2", timeout=20_000)
    expect(button).to_have_text(stop)
    button.press("Enter")
    expect(widget).to_have_attribute("data-status", "stopped", timeout=20_000)
    rounds, bad = json.loads(tab.python("print([racer.result.rounds, racer.result.failing])"))
    assert rounds > 0
    assert bad == 0
    expect(widget).to_have_attribute("data-rounds", str(rounds))
    expect(widget.locator(".bar .count")).to_have_text(f"{rounds:,}")
    assert tab.errors() == []


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_crash_is_told(lab: Lab, tab: Tab, language: str) -> None:
    source = r"#include <cmpx/listing.h>\nPROCESS(a) { *(volatile int *)0 = 1; }\nPROCESS(b) { }"
    tab.open(lab.write(f"crash-{language}.ipynb", CELL.format(language=language, listing=f'Listing("{source}")')))
    tab.run_all()
    widget = tab.page.locator(".cmpx-rounds")
    widget.locator(".start").click(timeout=60_000)
    expect(widget.locator(".note")).to_contain_text(WORDS[language][3], timeout=20_000)
    expect(widget).to_have_attribute("data-status", "frozen")
