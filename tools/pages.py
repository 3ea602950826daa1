"""Make the book a folder of HTML that needs neither kernel nor network: python -m tools.pages FOLDER [chapter ...]."""

import argparse
import hashlib
import re
import shutil
import subprocess
import sys
import tempfile
from base64 import b64encode
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import unquote

import nbformat
from nbformat import NotebookNode

import cmpx
from cmpx.chapters import Chapter, chapters
from cmpx.widgets import Bits, Predict
from tests.browser.labserver import Lab, Tab, chromium

ROOT = Path(__file__).resolve().parents[1]
LANGUAGES = {"en": "en", "zh": "zh_CN"}  # ours, and Sphinx's name of each
DIAGRAM = re.compile(r"^```mermaid\n(.*?)^```$", re.MULTILINE | re.DOTALL)

_FIRST = {
    "en": """# One word, two writers

A textbook about one function of the Linux kernel, `cmpxchg`.

In these pages you can step through listings, answer the questions and turn bits without anything else. What a cell printed
is what it printed when the book was made: to call, race and check yourself, and to change the code, open the book in
JupyterLab with `make lab`.
""",
    "zh": """# 一个字，两个写者

一本只讲 Linux 内核函数 `cmpxchg` 的教科书。

在这些页面里，不装任何东西就能单步走程序、回答问题、翻转各位。单元格下面的输出是成书时存下的；想亲手调用、赛跑、检查，
想改代码，请用 `make lab` 在 JupyterLab 中打开本书。
""",
}
_DOOR = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>cmpx</title>
<style>body { font: 1.5rem/2 system-ui, sans-serif; text-align: center; padding-top: 20vh }</style>
<p><a href="en/index.html" lang="en" hreflang="en">English</a></p>
<p><a href="zh/index.html" lang="zh-CN" hreflang="zh-CN">中文</a></p>
</html>
"""


def picture(diagram: str) -> str:
    """The name of the file that a diagram is drawn in."""
    return hashlib.sha256(diagram.encode()).hexdigest()[:16] + ".svg"


def draw(diagrams: Iterable[str], folder: Path) -> None:
    """Draw what the folder does not have yet, as JupyterLab draws it: mermaid is there, and the pages load no script for it."""
    missing = [text for text in dict.fromkeys(diagrams) if not (folder / picture(text)).exists()]
    if not missing:
        return
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as home:
        book = Path(home, "book")
        book.mkdir()
        lab = Lab(Path(home, "home"), book, whole=True)
        try:
            path = lab.write("diagrams.ipynb")
            cells = [nbformat.v4.new_markdown_cell(f"```mermaid\n{text}```") for text in missing]
            notebook = nbformat.read(book / path, as_version=4)
            notebook.cells = cells
            nbformat.write(notebook, book / path)
            with chromium() as browser:
                tab = Tab(browser, lab)
                tab.open(path)
                drawn = "[...document.querySelectorAll('.jp-RenderedMermaid img')]"
                tab.page.wait_for_function(f"count => {drawn}.length === count", arg=len(missing))
                for text, image in zip(missing, tab.page.evaluate(f"{drawn}.map((image) => image.src)"), strict=True):
                    drawing = unquote(image.partition(",")[2])
                    width = re.search(r'viewBox="\S+ \S+ (\S+)', drawing)
                    assert width
                    drawing = drawing.replace('width="100%"', f'width="{width[1]}"', 1)  # else it fills the page, however small
                    (folder / picture(text)).write_text(drawing, "utf-8")
                tab.close()
        finally:
            lab.close()


def image(diagram: str) -> str:
    """Markdown of a drawn diagram; its text is for whoever cannot see it."""
    said = " ".join(re.findall(r"^\s*acc(?:Title|Descr):\s*(.*)$", diagram, re.MULTILINE))
    said = re.sub(r"([][])", r"\\\1", said)
    return f"![{said}](diagrams/{picture(diagram)})"


def linked(text: str) -> str:
    """Markdown or HTML in which links to chapters lead to pages."""
    return re.sub(r"""((?:\]\(|href=")[^)"\s]*)\.ipynb\b""", r"\1.html", text)


def bits(text: str) -> Bits:
    """The grid whose text twin this is."""
    found = re.findall(r"^ *(\S+) ([01]{4}(?: [01]{4})+)$", text, re.MULTILINE)
    words = {name: int(digits.replace(" ", ""), 2) for name, digits in found}
    if "control" not in words:
        ((name, value),) = words.items()
        return Bits(getattr(cmpx, name)(value))
    pi = cmpx.PiDesc()
    pi.control.value = words.pop("control")
    memoryview(pi.memory)[:32] = b"".join(value.to_bytes(4, "little") for value in words.values())
    return Bits(pi)


def live(cell: NotebookNode, language: str) -> None:
    """Give a widget what it is without a kernel: itself, or for the Racer a picture."""
    asks = re.search(r'^Predict\("([^"]+)"(, again=True)?\)$', cell.source, re.MULTILINE)
    for output in list(cell.outputs):
        data = output.get("data", {})
        if asks:
            data["text/html"] = Predict(asks[1], again=bool(asks[2])).page()
            cell.metadata["tags"] = ["remove-input"]
        elif "Bits(" in cell.source:
            data["text/html"] = bits(data["text/plain"]).page()
        elif "Racer(" in cell.source:
            shot = b64encode((ROOT / "docs" / f"race-{language}.png").read_bytes()).decode()
            cell.outputs.append(nbformat.v4.new_output("display_data", {"image/png": shot, "text/plain": data["text/plain"]}))


def prepare(chapter: Chapter, language: str, folder: Path) -> list[str]:
    """Write the source of a page; returns the diagrams that it needs."""
    notebook = nbformat.read(ROOT / "notebooks" / language / f"{chapter.name}.ipynb", as_version=4)
    notebook.metadata["language_info"]["pygments_lexer"] = "cmpx"
    notebook.cells = [cell for cell in notebook.cells if cell.id != "links"]  # the theme has them
    diagrams: list[str] = []
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            diagrams += DIAGRAM.findall(cell.source)
            cell.source = DIAGRAM.sub(lambda found: image(found[1]), cell.source)
            cell.source = linked(cell.source)
            continue
        live(cell, language)
        for output in cell.outputs:
            data = output.get("data", {})
            for kind in {"text/html", "text/markdown"} & data.keys():
                data[kind] = linked(data[kind])
            if "image/png" in data:
                cell.metadata["mystnb"] = {"image": {"alt": data["text/plain"]}}
    nbformat.write(notebook, folder / f"{chapter.name}.ipynb")
    return diagrams


def first(kept: list[Chapter], language: str) -> str:
    """The first page: what this is, and the chapters."""
    named = [(f"{chapter.number} {chapter.title[language]}", chapter.name) for chapter in kept]
    contents = "\n".join(f"- [{title}]({name}.html)" for title, name in named)
    tree = "\n".join(f"{title} <{name}>" for title, name in named)
    return f"{_FIRST[language]}\n{contents}\n\n```{{toctree}}\n:hidden:\n\n{tree}\n```\n"


def build(target: Path, names: list[str]) -> None:
    """Make the site in `target`, of the chapters named or of all that are written."""
    diagrams: list[str] = []
    drawn = ROOT / "build" / "diagrams"
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    # Not in the target: the extension for notebooks leaves some beside the pages.
    with tempfile.TemporaryDirectory() as work:
        for language in LANGUAGES:
            cmpx.language(language)
            folder = Path(work, "sources", language)
            folder.mkdir(parents=True)
            (folder / "diagrams").symlink_to(drawn)
            there = [each for each in chapters() if (ROOT / "notebooks" / language / f"{each.name}.ipynb").exists()]
            kept = [chapter for chapter in there if chapter.name in names or not names]
            diagrams += [text for chapter in kept for text in prepare(chapter, language, folder)]
            (folder / "index.md").write_text(first(kept, language), "utf-8")
        draw(diagrams, drawn)
        for language, code in LANGUAGES.items():
            places = [Path(work, part, language) for part in ("cache", "sources", "pages")]
            options = ["-q", "-c", str(ROOT / "docs" / "site"), "-D", f"language={code}", "-d"]
            subprocess.run([sys.executable, "-m", "sphinx", *options, *places], check=True)
            shutil.move(places[-1], target / language)
    (target / "index.html").write_text(_DOOR, "utf-8")


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("chapters", nargs="*")
    options = parser.parse_args()
    build(options.folder.resolve(), options.chapters)


if __name__ == "__main__":
    main()
