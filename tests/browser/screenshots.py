"""Pictures of a notebook as a reader sees it, page by page: python tests/browser/screenshots.py NOTEBOOK FOLDER [--help]."""

import argparse
import math
import shutil
import tempfile
from itertools import product
from pathlib import Path

from labserver import Lab, Tab, chromium

_PAGE = 1500
_SCROLL = """(top) => {
    const scroller = panel.content.node.querySelector(".jp-WindowedPanel-outer");
    scroller.scrollTop = top;
    return [scroller.scrollHeight, scroller.clientHeight];
}"""
_THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}


def main() -> None:
    """Run the notebook, start each race in it, and take pictures in every theme and width asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("notebook", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--themes", nargs="+", choices=_THEMES, default=list(_THEMES))
    parser.add_argument("--widths", nargs="+", type=int, default=[1280, 900])
    parser.add_argument("--languages", nargs="+", choices=("en", "zh"), help="of the widgets; by default the folder's")
    parser.add_argument("--files", action="store_true", help="leave the file browser open")
    parser.add_argument("--widget", action="store_true", help="the widgets alone, not the whole notebook")
    parser.add_argument("--seconds", type=float, default=6, help="how long the races run first")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as home:
        book = Path(home, "book")
        book.mkdir()
        shutil.copy(options.notebook, book)
        lab = Lab(Path(home, "home"), book, whole=True)
        try:
            with chromium() as browser:
                for language, width in product(options.languages or [options.notebook.resolve().parent.name], options.widths):
                    tab = Tab(browser, lab, (width, _PAGE))
                    tab.open(options.notebook.name)
                    if not options.files:
                        tab.execute("application:toggle-left-area")
                    tab.python(f"import cmpx; cmpx.language({language!r})")
                    tab.run_all()
                    for start in tab.page.locator(".cmpx-racer .start").all():
                        if start.get_attribute("data-does") == "start":
                            start.click()
                    tab.page.wait_for_timeout(1000 * options.seconds)
                    for theme in options.themes:
                        tab.execute("apputils:change-theme", theme=_THEMES[theme])
                        tab.page.wait_for_timeout(1500)
                        name = f"{options.notebook.stem}-{language}-{width}-{theme}"
                        if options.widget:
                            for number, widget in enumerate(tab.page.locator(".cmpx").all()):
                                widget.screenshot(path=options.folder / f"{name}-{number}.png")
                            continue
                        whole, shown = tab.page.evaluate(_SCROLL, 0)
                        for number in range(math.ceil(whole / shown)):
                            tab.page.evaluate(_SCROLL, number * shown)
                            tab.page.wait_for_timeout(400)
                            tab.page.screenshot(path=options.folder / f"{name}-{number:02}.png")
                    tab.close()
                    for complaint in tab.complaints:
                        print(f"{name}: {complaint}")
        finally:
            lab.close()


if __name__ == "__main__":
    main()
