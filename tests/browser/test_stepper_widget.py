"""The stepper in a real JupyterLab, reopened without a kernel, and in saved pages: by keyboard, by mouse, as a game."""

import re
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from labserver import Lab, Tab
from nbconvert import HTMLExporter
from playwright.sync_api import Browser, Page, expect

import cmpx
from cmpx.listings import Listing, listing
from cmpx.sources import CSRC

STORE = 'from cmpx.listings import listing\nlisting("pi_post_block_store", UPDATES=1, POSTS=1).step()'
LOST = "cpu iommu*2 cpu"
WORDS = {
    "en": ("point of no return", "ON is lost", "stale"),
    "zh": ("无可挽回", "ON is lost", "已过时"),
}


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page without a server; whatever it asks of the network fails, and no script of it may."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.route(re.compile("^https?:"), lambda route: route.abort())
    one = context.new_page()
    errors: list[str] = []
    one.on("pageerror", lambda error: errors.append(str(error)))
    yield one
    context.close()
    assert [error for error in errors if "require" not in error] == []


def show(page: Page, folder: Path, program: Listing, language: str = "en", **options: str) -> None:
    """The stepper alone in a saved page."""
    before = cmpx.language()
    cmpx.language(language)
    try:
        html = program.step(**options)._repr_html_()
    finally:
        cmpx.language(before)
    path = folder / "stepper.html"
    path.write_text(f"<!doctype html><meta charset=utf-8><title>stepper</title><body>{html}", "utf-8")
    page.goto(path.as_uri())
    expect(page.locator(".cmpx-stepper")).to_be_visible()


def enter(page: Page, key: str = "Tab") -> None:
    """Reaches the stepper with the keyboard."""
    for _attempt in range(60):
        page.keyboard.press(key)
        if page.evaluate("Boolean(document.activeElement.closest('.cmpx-stepper'))"):
            return
    raise AssertionError("the keyboard does not reach the stepper")


def find_the_bug(page: Page, language: str) -> None:
    """From the start to a lost ON, by keyboard, and what is told on the way."""
    stepper = page.locator(".cmpx-stepper")
    no_return, lost, stale = WORDS[language]
    page.keyboard.press("1")
    expect(stepper).to_have_attribute("data-steps", "1")
    expect(stepper.locator(".thread").first).not_to_contain_text(stale)
    page.keyboard.press("2")
    page.keyboard.press("2")
    expect(stepper.locator(".thread").first).to_contain_text(stale)
    expect(stepper.locator(".thread .part.differs")).to_have_text("ON 0")
    expect(stepper.locator(".lanes .banner")).to_contain_text(no_return)
    page.keyboard.press("1")
    expect(stepper).to_have_attribute("data-end", "bad")
    expect(stepper.locator(".told")).to_contain_text(lost)
    expect(stepper.locator("input.hex")).to_have_value(LOST)


def press(page: Page, keys: str) -> None:
    for key in keys.split():
        page.keyboard.press(key)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_keyboard_finds_a_bug_with_and_without_a_kernel(lab: Lab, tab: Tab, page: Page, tmp_path: Path, language: str) -> None:
    name = lab.write(f"notebooks/{language}/stepper.ipynb", STORE, "1 + 1")
    tab.open(name)
    tab.page.evaluate("panel.content.activeCellIndex = 0; panel.content.activate()")
    tab.page.keyboard.press("Shift+Enter")
    # the first job here builds the machine
    expect(tab.page.locator(".cmpx-stepper")).to_be_visible(timeout=60_000)
    enter(tab.page, "Shift+Tab")
    find_the_bug(tab.page, language)
    assert tab.errors() == []
    tab.execute("docmanager:save")
    tab.leave()

    tab.open(name)
    expect(tab.page.locator(".cmpx-stepper")).to_be_visible()
    tab.page.evaluate("panel.content.activeCellIndex = 0; panel.content.activate()")
    enter(tab.page)
    find_the_bug(tab.page, language)

    saved = nbformat.read(lab.folder / name, as_version=4)
    output = saved.cells[0].outputs[0].data
    assert WORDS[language][0] in output["text/plain"]
    assert "cpu" in output["text/plain"]
    html = tmp_path / "saved.html"
    html.write_text(HTMLExporter().from_notebook_node(saved)[0], "utf-8")
    page.goto(html.as_uri(), wait_until="domcontentloaded")
    expect(page.locator(".cmpx-stepper")).to_be_visible()
    enter(page)
    find_the_bug(page, language)


def test_every_key_and_button(page: Page, tmp_path: Path) -> None:
    show(page, tmp_path, listing("pi_post_block_store", UPDATES=1, POSTS=1))
    stepper, field = page.locator(".cmpx-stepper"), page.locator(".cmpx-stepper input.hex")
    enter(page)
    press(page, "1 2 1 z")
    expect(field).to_have_value("cpu iommu")
    press(page, "y")
    expect(field).to_have_value("cpu iommu cpu")
    press(page, "1")
    expect(stepper.locator(".told")).to_contain_text("it has finished")
    press(page, "0")
    expect(field).to_have_value("")
    press(page, "y y y")
    expect(field).to_have_value("cpu iommu cpu")
    press(page, "f")
    expect(stepper).to_have_attribute("data-end", "bad")
    press(page, "u u r 0")
    page.locator(".thread .step").nth(1).click()
    page.get_by_role("button", name="Undo").click()
    page.get_by_role("button", name="Redo").click()
    expect(field).to_have_value("iommu")
    page.get_by_role("button", name="Start over").click()
    page.get_by_role("button", name="Shortest failing run").click()
    expect(field).to_have_value(LOST)
    press(page, "0")
    page.get_by_role("button", name="Play", exact=True).click()
    expect(stepper).to_have_attribute("data-end", "bad", timeout=10_000)
    page.locator(".quiet").last.click()
    expect(stepper.locator("h3")).to_contain_text("单步执行")
    page.locator(".quiet").first.click()
    expect(page.locator(".cmpx-stepper.projector")).to_be_visible()


def test_pasted_schedule_replays_and_a_wrong_one_is_explained(page: Page, tmp_path: Path) -> None:
    program = listing("pi_post_block_store", UPDATES=2, POSTS=2)
    trace = program.check().counterexample
    show(page, tmp_path, program)
    field, told = page.locator("input.hex"), page.locator(".told")
    field.fill(trace.schedule)
    field.press("Enter")
    expect(told).to_contain_text(trace.end)
    expect(page.locator(".lanes .row")).to_have_count(len(trace.steps))
    for row, one in zip(page.locator(".lanes .row .did").all(), trace.steps, strict=True):
        expect(row).to_contain_text(one.words)
    field.fill("cpu nobody cpu")
    field.press("Enter")
    expect(told).to_contain_text("nobody is no step of this listing; its processes are cpu and iommu")
    field.fill("cpu*9")
    field.press("Enter")
    expect(told).to_contain_text("Stopped before step 5: cpu cannot take it, it has finished.")
    expect(page.locator(".cmpx-stepper")).to_have_attribute("data-steps", "4")


def test_schedule_is_copied(page: Page, tmp_path: Path) -> None:
    show(page, tmp_path, listing("counter_plain"))
    enter(page)
    press(page, "1 2 c")
    expect(page.locator(".told")).to_have_text("Copied the schedule.")
    page.locator("input.hex").fill("")
    page.keyboard.press("Control+v")
    expect(page.locator("input.hex")).to_have_value("a b")


def test_map_leads_to_each_state(page: Page, tmp_path: Path) -> None:
    show(page, tmp_path, listing("counter_plain"))
    nodes = page.locator("[data-node]")
    assert nodes.count() <= 60
    for index in range(nodes.count()):
        page.locator(f"[data-node='{index}']").click()
        expect(page.locator("[data-node].here")).to_have_attribute("data-node", str(index))
    page.locator("[data-node='0']").click()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page.locator(".cmpx-stepper")).to_have_attribute("data-steps", "1")
    assert page.locator("[data-node].bad").count() > 0
    assert page.locator(".gate").count() > 0


@pytest.mark.parametrize("name", ["opening", "spin", "counter_cas", "pi_post_block", "pi_post_block_try"])
def test_edges_of_the_map_go_around_its_states(page: Page, tmp_path: Path, name: str) -> None:
    program = Listing(MAPPED[name], name=name) if name in MAPPED else listing(name)
    show(page, tmp_path, program)
    enter(page)
    press(page, "f")
    apart, out, short = page.evaluate(EDGES)
    assert apart > 7  # the radius of a state
    assert out <= 0
    assert short > 20


def test_end_of_a_run_shows_its_last_line_and_whole_rows(page: Page, tmp_path: Path) -> None:
    show(page, tmp_path, listing("pi_post_block_store", UPDATES=3, POSTS=3))
    enter(page)
    before = page.locator(".threads").bounding_box()
    for key in "12":
        press(page, f"{key} " * 6)
    expect(page.locator(".thread .next").filter(has_text="finished")).to_have_count(2)
    assert page.locator(".threads").bounding_box() == before
    expect(page.locator(".locals").first).to_be_hidden()
    expect(page.locator(".line").filter(has_text=re.compile(r"pi_test_and_set_on\(&pi\);"))).to_be_in_viewport()
    press(page, "z")
    expect(page.locator(".locals").first).to_be_visible()
    cut = page.locator(".lanes").evaluate(
        "lanes => lanes.scrollTop > 0 && [...lanes.children].some((row) =>"
        " row.offsetTop < lanes.scrollTop && row.offsetTop + row.offsetHeight > lanes.scrollTop)"
    )
    assert not cut


def test_predictions_are_asked_and_judged(page: Page, tmp_path: Path) -> None:
    show(page, tmp_path, listing("counter_cas"))
    enter(page)
    told, options = page.locator(".told"), page.locator(".options button")
    press(page, "p 1")
    expect(told).to_contain_text("What will it find?")
    options.filter(has_text=re.compile(r"\b0$")).click()
    expect(told).to_contain_text("Right")
    press(page, "p 2 2 p 1")
    expect(told).to_contain_text("Will its cmpxchg succeed?")
    press(page, "1")
    expect(told).to_contain_text("No: it fails")
    expect(told).to_contain_text("b changed it in step 3")
    expect(page.locator(".check output")).to_have_text("1/2")


def be(page: Page, number: int) -> None:
    page.locator(".choice label").nth(number).click()


@pytest.mark.parametrize("updates", [1, 2])
@pytest.mark.parametrize("waits", ["", "w", "w w w"])
def test_hostile_iommu_beats_the_store(page: Page, tmp_path: Path, updates: int, waits: str) -> None:
    show(page, tmp_path, listing("pi_post_block_store", UPDATES=updates, POSTS=2))
    be(page, 1)
    for _turn in range(2 * updates):
        press(page, f"{waits} 1")
    expect(page.locator(".cmpx-stepper")).to_have_attribute("data-end", "bad")
    expect(page.locator(".told")).to_contain_text("iommu has beaten you")


@pytest.mark.parametrize("name", ["pi_post_block", "pi_post_block_try"])
@pytest.mark.parametrize("waits", ["", "w", "w w w"])
def test_hostile_iommu_never_beats_cmpxchg(page: Page, tmp_path: Path, name: str, waits: str) -> None:
    show(page, tmp_path, listing(name, UPDATES=2, POSTS=2))
    stepper = page.locator(".cmpx-stepper")
    be(page, 1)
    for _turn in range(20):
        if stepper.get_attribute("data-end"):
            break
        press(page, f"{waits} 1")
    expect(stepper).to_have_attribute("data-end", "good")
    expect(page.locator(".told")).to_contain_text("You have finished")
    if not waits:  # it does what it can: it makes a try fail
        assert page.locator(".did.failed").count() > 0


def test_reader_beats_the_store_and_gives_up_on_cmpxchg(page: Page, tmp_path: Path) -> None:
    show(page, tmp_path, listing("pi_post_block_store", UPDATES=1, POSTS=1))
    be(page, 2)
    press(page, "w 2 2")
    expect(page.locator(".told")).to_contain_text("You have beaten cpu")
    press(page, "0")
    press(page, "1")
    expect(page.locator(".told")).to_contain_text("That is not your process")

    program = listing("pi_post_block", UPDATES=1, POSTS=1)
    show(page, tmp_path, program)
    be(page, 2)
    press(page, "w 2 2")
    expect(page.locator(".told")).to_contain_text("cpu has finished, and every claim held")
    press(page, "g")
    expect(page.locator(".told")).to_contain_text(f"it holds in every one of {program.check().interleavings} interleavings")
    expect(page.locator(".told")).to_contain_text("Nobody could have won")


def test_store_buffers_and_why_a_process_cannot_run(page: Page, tmp_path: Path) -> None:
    show(page, tmp_path, listing("sb"), memory="tso")
    enter(page)
    press(page, "1")
    expect(page.locator(".buffer").first).to_have_text("x=1")
    expect(page.locator(".memory .cell").filter(has_text=re.compile("^x")).locator(".now")).to_have_text("0")
    press(page, "Shift+1")
    expect(page.locator(".memory .cell").filter(has_text=re.compile("^x")).locator(".now")).to_have_text("1")
    press(page, "Shift+1")
    expect(page.locator(".told")).to_contain_text("its store buffer is empty")
    show(page, tmp_path, Listing(LOCKED, name="locked"))
    enter(page)
    press(page, "1 2")
    expect(page.locator(".told")).to_contain_text("b cannot take a step: it waits for the lock lock")


@pytest.mark.parametrize("memory", ["sc", "tso"])
def test_every_listing_steps_to_what_a_check_finds(page: Page, tmp_path: Path, memory: str) -> None:
    for path in sorted((CSRC / "listings").glob("*.c")):
        program = listing(path.stem)
        verdict = program.check(memory)
        show(page, tmp_path, program, memory=memory)
        enter(page)
        press(page, "f")
        stepper = page.locator(".cmpx-stepper")
        if verdict.status == "fails":
            expect(stepper, path.stem).to_have_attribute("data-end", "bad")
            assert int(stepper.get_attribute("data-steps") or 0) == len(verdict.counterexample.steps)
        else:
            expect(page.locator(".told"), path.stem).to_contain_text("There is no failing run")


def test_large_graph_says_what_it_leaves_out(page: Page, tmp_path: Path) -> None:
    show(page, tmp_path, listing("pi_post_block_store", UPDATES=20, POSTS=20))
    expect(page.locator(".foot")).to_contain_text(re.compile(r"2,000 of [\d,]+ states are stored here"))
    expect(page.locator(".map h4 small")).to_contain_text("the part around the run")
    assert page.locator("[data-node]").count() <= 60
    enter(page)
    press(page, "f")
    expect(page.locator(".cmpx-stepper")).to_have_attribute("data-end", "bad")


# how near an edge comes to a state that it does not touch, how far out of the picture, and how long the shortest is
EDGES = """() => {
    const map = document.querySelector(".map svg");
    const { x, y, width, height } = map.viewBox.baseVal;
    const states = [...map.querySelectorAll("[data-node]")].map((node) => {
        const { e, f } = node.transform.baseVal[0].matrix;
        return { x: e, y: f };
    });
    const ways = [...map.querySelectorAll(":scope > path:not(.gate)")].map((path) => {
        const length = path.getTotalLength();
        return Array.from({ length: 41 }, (_point, index) => path.getPointAtLength((length * index) / 40));
    });
    const away = (a, b) => Math.hypot(a.x - b.x, a.y - b.y);
    const near = ways.map((way) => {
        const others = states.filter((one) => away(one, way[0]) > 1 && away(one, way[40]) > 1);
        return Math.min(...others.flatMap((one) => way.map((point) => away(one, point))));
    });
    const out = ways.flat().map((point) => Math.max(x - point.x, point.x - x - width, y - point.y, point.y - y - height));
    const long = ways.map((way) => Math.max(...way.map((point) => away(point, way[0]))));
    return [Math.min(...near), Math.max(...out), Math.min(...long)];
}"""

MAPPED = {
    "opening": """
#include <linux/atomic.h>
#include <cmpx/listing.h>
static u32 x = 7;
PROCESS(you) { u32 ret = cmpxchg(&x, 5, 9); EXPECT(ret != 7 || READ_ONCE(x) == 7, "ret is 7, and x is something else"); }
PROCESS(other) { WRITE_ONCE(x, 9); WRITE_ONCE(x, 5); }
""",
    "spin": """
#include <linux/atomic.h>
#include <cmpx/listing.h>
static u32 x;
PROCESS(waiter) { while (READ_ONCE(x) != 1) ; }
PROCESS(other) { WRITE_ONCE(x, 1); WRITE_ONCE(x, 2); }
""",
}

LOCKED = """
#include <linux/spinlock.h>
#include <cmpx/listing.h>
static DEFINE_SPINLOCK(lock);
static int x;
PROCESS(a) { spin_lock(&lock); x = x + 1; spin_unlock(&lock); }
PROCESS(b) { spin_lock(&lock); x = x + 1; spin_unlock(&lock); }
FINALLY { EXPECT(x == 2, "an increment is lost"); }
"""
