"""The Racer in a real browser: frames a second beside a busy cell, and how soon a moved slider shows."""

import math
import statistics
import tempfile
from pathlib import Path

from tests.browser.labserver import Lab, Tab, chromium

_SECONDS = 30
_MOVES = 10

_CELLS = (
    "from cmpx.widgets import Racer\nracer = Racer(posts_per_second=1_000_000)\nracer",
    f"import time\nend = time.monotonic() + {_SECONDS + 5}\nwhile time.monotonic() < end:\n    sum(range(1000))",
)

# When each frame was drawn, in milliseconds.
_WATCH = """(ms) => new Promise((done) => {
    const times = [];
    const observer = new MutationObserver(() => times.push(performance.now()));
    observer.observe(document.querySelector(".cmpx"), { attributeFilter: ["data-sequence"] });
    setTimeout(() => { observer.disconnect(); done(times); }, ms);
})"""

# The rate shown, from the moment the slider moves: pairs of milliseconds since then and the text.
_MOVE = """() => {
    const shown = document.querySelector(".card.updates b");
    window.rates = [[0, shown.textContent]];
    document.querySelector("input[name=delay_cycles]").addEventListener("input", () => {
        const start = performance.now();
        const observer = new MutationObserver(() => rates.push([performance.now() - start, shown.textContent]));
        observer.observe(shown, { childList: true, characterData: true, subtree: true });
        setTimeout(() => observer.disconnect(), 2000);
    }, { once: true });
}"""


def _number(text: str) -> float:
    value, _, unit = text.removesuffix("/s").partition(" ")
    return float(value) * {"": 1, "k": 1e3, "M": 1e6, "G": 1e9}[unit]


def _frames(tab: Tab) -> list[int]:
    """Frames drawn in each second while another cell keeps the kernel busy."""
    tab.page.evaluate("() => { panel.content.activeCellIndex = 1; jupyterapp.commands.execute('notebook:run-cell'); }")
    tab.page.wait_for_timeout(1000)
    times = tab.page.evaluate(_WATCH, 1000 * _SECONDS)
    seconds = [int((time - times[0]) / 1000) for time in times]
    return [seconds.count(second) for second in range(_SECONDS - 1)]


def _latency(tab: Tab, key: str) -> float:
    """Milliseconds from the move of the slider until the rate shown is nearer to the new one than to the old one."""
    tab.page.evaluate(_MOVE)
    tab.page.locator("input[name=delay_cycles]").press(key)
    tab.page.wait_for_timeout(2200)
    rates: list[tuple[float, float]] = [(when, max(_number(text), 1)) for when, text in tab.page.evaluate("rates")]
    middle = math.sqrt(rates[0][1] * rates[-1][1])
    falls = rates[-1][1] < rates[0][1]
    return next(when for when, rate in rates if (rate < middle) == falls and when > 0)


def main() -> None:
    """Print each figure beside what it should be."""
    with tempfile.TemporaryDirectory() as home, chromium() as browser:
        folder = Path(home, "book")
        folder.mkdir()
        lab = Lab(Path(home, "home"), folder)
        try:
            tab = Tab(browser, lab, (1280, 1400))  # both cells in sight: out of sight it pauses
            tab.open(lab.write("racer.ipynb", *_CELLS))
            tab.page.evaluate("panel.content.activeCellIndex = 0")
            tab.execute("notebook:run-cell")
            tab.page.locator(".cmpx .start").click()
            tab.page.wait_for_timeout(2000)
            moves = [_latency(tab, key) for key in ("End", "Home") * (_MOVES // 2)]
            frames = sorted(_frames(tab))
            slow = frames[round(0.05 * (len(frames) - 1))]
        finally:
            lab.close()
    print(f"frames/s beside a busy cell:   {statistics.median(frames):8.1f}  5th percentile {slow}  (at least 28)")
    print(f"slider to changed rate, ms:    {statistics.median(moves):8.0f}  slowest {max(moves):.0f}  (at most 300)")


if __name__ == "__main__":
    main()
