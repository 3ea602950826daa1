"""Pictures of a notebook as a reader sees it: python tests/browser/screenshots.py NOTEBOOK FOLDER [--help]."""

import argparse
import shutil
import tempfile
from itertools import product
from pathlib import Path

from labserver import Lab, Tab, chromium

_THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}


def main() -> None:
    """Run the notebook, start each race in it, and take pictures in every theme and width asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("notebook", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--themes", nargs="+", choices=_THEMES, default=list(_THEMES))
    parser.add_argument("--widths", nargs="+", type=int, default=[1280, 900])
    parser.add_argument("--languages", nargs="+", choices=("en", "zh"), default=["en", "zh"], help="of the widgets")
    parser.add_argument("--files", action="store_true", help="leave the file browser open")
    parser.add_argument("--widget", action="store_true", help="the widgets alone, not the whole notebook")
    parser.add_argument("--seconds", type=float, default=6, help="how long the races run first")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as home:
        book = Path(home, "book")
        book.mkdir()
        shutil.copy(options.notebook, book)
        lab = Lab(Path(home, "home"), book)
        try:
            with chromium() as browser:
                for language, width in product(options.languages, options.widths):
                    tab = Tab(browser, lab, (width, 1600 if options.widget else 900))
                    tab.open(options.notebook.name)
                    if not options.files:
                        tab.execute("application:toggle-left-area")
                    tab.python(f"import cmpx; cmpx.language({language!r})")
                    tab.run_all()
                    widgets = tab.page.locator(".cmpx")
                    if not options.widget:
                        height = tab.page.evaluate("panel.content.node.querySelector('.jp-WindowedPanel-inner').scrollHeight")
                        tab.page.set_viewport_size({"width": width, "height": min(height + 200, 16000)})
                    for start in tab.page.locator(".cmpx-racer .start").all():
                        if start.get_attribute("data-does") == "start":
                            start.click()
                    tab.page.wait_for_timeout(1000 * options.seconds)
                    for theme in options.themes:
                        tab.execute("apputils:change-theme", theme=_THEMES[theme])
                        tab.page.wait_for_timeout(1500)
                        name = f"{options.notebook.stem}-{language}-{width}-{theme}"
                        if options.widget:
                            for number, widget in enumerate(widgets.all()):
                                widget.screenshot(path=options.folder / f"{name}-{number}.png")
                        else:
                            tab.page.screenshot(path=options.folder / f"{name}.png")
                    tab.close()
                    for complaint in tab.complaints:
                        print(f"{name}: {complaint}")
        finally:
            lab.close()


if __name__ == "__main__":
    main()
