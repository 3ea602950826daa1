"""Racer and Bits in a real JupyterLab."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from labserver import Lab, Tab
from playwright.sync_api import Browser, Page, expect

from cmpx.widgets.racer import _COUNTERS

CHINESE = {"en": "和 IOMMU 赛跑", "zh": "Race the IOMMU"}

# Two real threads race here even on a machine of one processor, where the widget would show a recording.
RACER = """
import cmpx.widgets.racer
cmpx.widgets.racer.usable_cpus = lambda: 2
racer = cmpx.widgets.Racer({arguments})
racer
"""

NAMELESS = """() => [...document.querySelectorAll(".cmpx button:not(.bit), .cmpx input")].filter((control) => {
    const name = control.ariaLabel ?? (control.labels?.[0] ?? control).innerText;
    const tip = control.title || control.closest("[title]")?.title;
    return !name.trim() || !tip || control.tabIndex < 0;
}).map((control) => control.outerHTML)"""


def racer(lab: Lab, tab: Tab, name: str, arguments: str = "", *cells: str) -> None:
    tab.open(lab.write(f"{name}.ipynb", RACER.format(arguments=arguments), *cells))
    tab.page.evaluate("panel.content.activeCellIndex = 0")
    tab.execute("notebook:run-cell")
    expect(tab.page.locator(".cmpx-racer canvas.pir")).to_be_visible()


def totals(page: Page) -> dict[str, int]:
    return {name: int(page.locator(f".card.{name} .total").inner_text().replace(",", "")) for name in _COUNTERS}


def python_has(tab: Tab, name: str, value: object) -> bool:
    """Whether the kernel comes to see this value."""
    return settles(lambda: tab.python(f"print(repr(racer.{name}))") == f"{value!r}\n", 5)


def settles(condition: Callable[[], bool], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)
    return condition()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_racer_with_every_control(lab: Lab, tab: Tab, language: str) -> None:
    racer(lab, tab, f"notebooks/{language}/racer")
    page = tab.page
    words = {
        "en": ("Start", "Stop", "Race the IOMMU", "和 IOMMU 赛跑"),
        "zh": ("开始", "停止", "和 IOMMU 赛跑", "Race the IOMMU"),
    }
    start, stop, heading, other = words[language]
    expect(page.locator(".cmpx h3")).to_have_text(heading)
    page.get_by_role("button", name=start, exact=True).click()
    expect(page.locator(".card.posts .total")).not_to_have_text("0")
    assert tab.python("print(racer.status)") == "running\n"

    for strategy in ("try_cmpxchg", "store", "split_load", "cmpxchg"):
        page.locator(f".choice label:has(input[value={strategy}])").click()
        assert python_has(tab, "strategy", strategy)
    for name, key, value in [
        ("delay_cycles", "End", 10000),
        ("delay_cycles", "Home", 0),
        ("delay_cycles", "ArrowRight", 1),
        ("posts_per_second", "End", None),
        ("posts_per_second", "Home", 0.2),
        ("posters", "End", 8),
        ("posters", "ArrowLeft", 7),
    ]:
        page.locator(f".cmpx input[name={name}]").press(key)
        assert python_has(tab, name, value), key
    page.locator(".cmpx input[name=freeze]").press("Space")
    assert python_has(tab, "freeze", True)

    page.get_by_role("button", name=stop, exact=True).click()
    expect(page.locator(".cmpx")).to_have_attribute("data-status", "stopped")
    page.locator(".cmpx .quiet").last.click()
    expect(page.locator(".cmpx h3")).to_have_text(other)
    page.locator(".cmpx .quiet").first.click()
    expect(page.locator(".cmpx.projector")).to_be_visible()
    page.locator(".cmpx .controls > button").nth(1).click()
    expect(page.locator(".card.posts .total")).to_have_text("0")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_bits_with_every_control(lab: Lab, tab: Tab, language: str) -> None:
    source = "from cmpx import PiDesc, u16\nfrom cmpx.widgets import Bits\npi = PiDesc(nv=0xF1, ndst=3)\nBits(pi)"
    tab.open(lab.write(f"notebooks/{language}/bits.ipynb", source, "x = u16(5)\nBits(x)"))
    tab.run_all()
    page = tab.page
    whole, word = page.locator(".cmpx-bits").nth(0), page.locator(".cmpx-bits").nth(1)
    expect(whole.locator(".bit")).to_have_count(64 + 256)
    expect(word.locator(".bit")).to_have_count(16)

    # What nbgrader does to every .row of the page.
    page.add_style_tag(content=".row::before { display: table; content: ' '; }")
    label, cells = (whole.locator(f".row.plain {part}").first.bounding_box() for part in ("label", ".control"))
    assert label
    assert cells
    assert label["x"] < cells["x"]
    assert abs(label["y"] - cells["y"]) < 5

    word.locator(".bit").first.click()
    expect(word.locator("input.hex")).to_have_value("0x8005")
    word.locator("input.hex").fill("0x00ff")
    word.locator("input.hex").press("Enter")
    # The click before has said ✓ too: this edit is done once the kernel has it.
    until = time.monotonic() + 10
    while tab.python("print(x)") != "u16(0xff)\n":
        assert time.monotonic() < until
    expect(word.locator(".story")).to_contain_text("✓")
    word.locator("input.hex").focus()
    tab.python("x.value = 0x1234")
    expect(word.locator(".bit[aria-pressed=true]")).to_have_count(5)
    word.locator("input.hex").fill("0x00fe")
    word.locator("input.hex").press("Enter")
    expect(word.locator(".story")).to_contain_text("✗")
    expect(word.locator(".story")).to_contain_text("0x1234")
    assert tab.python("print(x)") == "u16(0x1234)\n"
    expect(word.locator("input.hex")).to_have_value("0x1234")
    word.locator("input.hex").fill("xyz")
    word.locator("input.hex").press("Enter")
    expect(word.locator(".story")).to_contain_text("xyz")

    on = whole.locator(".field.flag button").last
    on.focus()
    expect(whole.locator(".owner")).to_contain_text("256")
    page.keyboard.press("Space")
    expect(on).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(whole.locator("input.hex").nth(1)).to_have_value("0x80000000")
    assert tab.python("print(pi.on, pi.nv, pi.ndst, pi.pending)") == "1 241 3 (31,)\n"
    heading = whole.locator("h3").inner_text()
    whole.locator(".quiet").last.click()
    expect(whole.locator("h3")).not_to_have_text(heading)
    whole.locator(".quiet").first.click()
    expect(page.locator(".cmpx-bits.projector")).to_have_count(1)


def test_every_control_has_a_name_a_tooltip_and_a_place_in_the_tab_order(lab: Lab, tab: Tab) -> None:
    racer(lab, tab, "names", "", "from cmpx import PiDesc\nfrom cmpx.widgets import Bits\nBits(PiDesc())")
    tab.run_all()
    expect(tab.page.locator(".cmpx-bits")).to_be_visible()
    for language in ("en", "zh"):
        tab.python(f"import cmpx; cmpx.language({language!r})")
        expect(tab.page.locator(".cmpx h3").first).not_to_have_text(CHINESE[language])
        nameless = tab.page.evaluate(NAMELESS)
        assert nameless == []
        assert tab.page.locator(".cmpx-bits button.bit[tabindex='0']").count() == 1


def test_live_widgets_follow_the_language_of_the_kernel(lab: Lab, tab: Tab) -> None:
    racer(lab, tab, "follow")
    for language in ("zh", "en", "zh"):
        tab.python(f"import cmpx; cmpx.language({language!r})")
        expect(tab.page.locator(".cmpx h3")).not_to_have_text(CHINESE[language])


def test_totals_on_the_screen_are_the_result(lab: Lab, tab: Tab) -> None:
    racer(lab, tab, "totals", "'store', posts_per_second=100_000")
    tab.page.locator(".cmpx .start").click()
    expect(tab.page.locator(".card.notifications .total")).not_to_have_text("0")
    tab.page.locator(".cmpx .start").click()
    expect(tab.page.locator(".cmpx")).to_have_attribute("data-status", "stopped")
    result = eval(tab.python(f"r = racer.result; print({{name: getattr(r, name) for name in {tuple(_COUNTERS)}}})"))
    assert settles(lambda: totals(tab.page) == result, 2), (totals(tab.page), result)


@pytest.mark.alone
def test_closed_tab_leaves_no_thread_and_no_load(lab: Lab, browser: Browser) -> None:
    tab = Tab(browser, lab)
    racer(lab, tab, "closed")
    task = Path(f"/proc/{lab.kernel_pid()}/task")
    before = len(list(task.iterdir()))
    tab.page.locator(".cmpx .start").click()
    expect(tab.page.locator(".card.posts .total")).not_to_have_text("0")
    assert len(list(task.iterdir())) >= before + 3
    tab.close()
    assert settles(lambda: len(list(task.iterdir())) <= before, 3)

    def used() -> float:
        fields = (task.parent / "stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    time.sleep(1)
    first = used()
    time.sleep(5)
    assert used() - first < 0.02 * 5


def test_race_pauses_out_of_sight_and_goes_on(lab: Lab, tab: Tab) -> None:
    racer(lab, tab, "sight")
    tab.page.locator(".cmpx .start").click()
    expect(tab.page.locator(".cmpx")).to_have_attribute("data-status", "running")
    tab.page.evaluate("panel.content.node.style.visibility = 'hidden'; panel.hide()")
    assert python_has(tab, "status", "paused")
    tab.page.evaluate("panel.content.node.style.visibility = ''; panel.show()")
    assert python_has(tab, "status", "running")


@pytest.mark.alone
def test_controls_work_beside_a_busy_cell(lab: Lab, tab: Tab) -> None:
    racer(lab, tab, "busy", "", "import time\nend = time.monotonic() + 10\nwhile time.monotonic() < end: pass")
    tab.page.locator(".cmpx .start").click()
    expect(tab.page.locator(".cmpx")).to_have_attribute("data-status", "running")
    tab.page.evaluate("() => { panel.content.activeCellIndex = 1; jupyterapp.commands.execute('notebook:run-cell'); }")
    tab.page.locator(".cmpx").scroll_into_view_if_needed()
    tab.page.wait_for_timeout(3000)
    expect(tab.page.locator(".cmpx")).to_have_attribute("data-status", "running")
    tab.page.locator(".cmpx .start").click()
    expect(tab.page.locator(".cmpx")).to_have_attribute("data-status", "stopped")
    assert tab.page.locator(".jp-InputPrompt").nth(1).inner_text() == "[*]:", "the cell was to be busy all the while"
    expect(tab.page.locator(".jp-InputPrompt").nth(1)).to_have_text("[2]:", timeout=30000)


def test_slow_figure_is_drawn_whole_beside_a_race(lab: Lab, tab: Tab) -> None:
    """IPython shows and closes, at each message, what a cell has begun to draw; a message of the widgets must not do that."""
    slow = "import time, matplotlib.pyplot as plt\nplt.plot([1, 2])\ntime.sleep(2)\nprint(plt.get_fignums())"
    racer(lab, tab, "figure", "", slow)
    tab.page.locator(".cmpx .start").click()
    tab.page.evaluate("panel.content.activeCellIndex = 1")
    tab.execute("notebook:run-cell")
    outputs = tab.page.evaluate("panel.content.model.cells.get(1).toJSON().outputs")
    assert [output.get("text") or sorted(output["data"]) for output in outputs] == ["[1]\n", ["image/png", "text/plain"]]


def test_dead_kernel_shows(lab: Lab, browser: Browser) -> None:
    tab = Tab(browser, lab)
    racer(lab, tab, "dead")
    tab.page.locator(".cmpx .start").click()
    expect(tab.page.locator(".cmpx .dead")).to_be_hidden()
    tab.page.evaluate("() => panel.sessionContext.restartKernel()")
    expect(tab.page.locator(".cmpx .dead")).to_be_visible(timeout=15000)
    tab.page.locator(".cmpx .start").click()
    # JupyterLab itself complains about its debugger.
    assert [complaint for complaint in tab.complaints if "debugger" not in complaint] == []
    tab.close()
