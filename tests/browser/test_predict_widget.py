"""The question of a chapter, answered in a real JupyterLab and in a page without a kernel."""

from pathlib import Path

import pytest
from labserver import Lab, Tab
from playwright.sync_api import Browser, expect

import cmpx
from cmpx.widgets import Predict

ASK = 'from cmpx.widgets import Predict\n\nPredict("02-cmpxchg")'


def test_commit_by_keyboard_hears_of_this_choice_and_is_kept(lab: Lab, tab: Tab) -> None:
    tab.open(lab.write("notebooks/en/predict.ipynb", ASK, ASK))
    tab.page.evaluate("panel.content.activeCellIndex = 0; panel.content.activate()")
    tab.page.keyboard.press("Shift+Enter")
    widget = tab.page.locator(".cmpx-predict")
    expect(widget).to_have_attribute("data-committed", "false")
    expect(widget).not_to_contain_text("The tempting one.")

    widget.get_by_role("button", name="Commit").click()  # with nothing chosen it leads to the choices
    tab.page.keyboard.press("ArrowDown")
    expect(widget.get_by_role("radio", name="B 7")).to_be_checked()
    tab.page.keyboard.press("Tab")
    tab.page.keyboard.press("Space")
    tab.page.keyboard.press("ArrowRight")
    tab.page.keyboard.press("Tab")
    tab.page.keyboard.press("Enter")
    expect(widget.get_by_role("status").last).to_contain_text("The tempting one")
    expect(widget.locator(".verdict")).to_have_text("✗ Not B. You were fairly sure.")
    expect(widget.locator(".other")).to_have_count(3)
    expect(widget.locator(".other").first).not_to_be_visible()
    tab.page.keyboard.press("Tab")
    tab.page.keyboard.press("Enter")
    expect(widget.get_by_text("D, the right one")).to_be_visible()
    widget.get_by_role("button", name="中文").click()
    expect(widget.locator(".verdict")).to_have_text("✗ 不是 B。当时的把握：比较有数。")

    kept = "from cmpx import progress; c, = progress.commitments(); print(c.choice, c.confidence, c.right, *progress.visited())"
    assert tab.python(kept).strip() == "1 fairly sure False 02-cmpxchg"
    # run anew, the page knows the answer
    tab.execute("notebook:run-all-cells")
    second = tab.page.locator(".cmpx-predict").last
    expect(second).to_have_attribute("data-committed", "true")
    second.get_by_role("button", name="Answer again").click()
    expect(second).to_have_attribute("data-committed", "false")
    assert tab.errors() == []


@pytest.mark.parametrize("language", ["en", "zh"])
def test_page_needs_no_kernel(browser: Browser, tmp_path: Path, language: str) -> None:
    cmpx.language(language)
    asked = [Predict("01-lost-update"), Predict("00-start-here", again=True), Predict("13-in-the-wild", again=True)]
    path = tmp_path / "page.html"
    path.write_text("<!doctype html><meta charset=utf-8><title>x</title>" + "".join(one.page() for one in asked), "utf-8")
    page = browser.new_page(viewport={"width": 360, "height": 800})
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(path.as_uri())
    for question, widget in zip(asked, page.locator(".cmpx-predict").all(), strict=True):
        right = question._question.right
        widget.locator(".answers label").nth(right).click()
        widget.locator(".choice label").last.click()
        widget.locator(".start").click()
        expect(widget.locator(".reply")).to_have_text(question._question.replies[right][language].replace("`", ""))
        expect(widget.locator(".answer")).to_have_attribute("data-right", "true")
        expect(widget).not_to_contain_text("*")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.close()
    assert errors == []
