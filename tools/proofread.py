"""What a pair of notebooks must keep: parity, anatomy, typography, terms, links. Each check yields its faults as sentences."""

import csv
import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import nbformat
from nbformat import NotebookNode

LANGUAGES = ("en", "zh")
OPENING = {"en": ("**You need:**", r"\*\*Time:\*\*.*\d+ min"), "zh": ("**预备知识：**", r"\*\*用时：\*\*.*\d+ 分钟")}

HAN = r"[\u3400-\u4dbf\u4e00-\u9fff]"
HALF_WIDTH = re.compile(rf"{HAN} ?[,.;:?!()]|[,.;:?!()] ?{HAN}")
ENDS_HALF_WIDTH = re.compile(rf"{HAN}.*[,.;:?!]$")
UNSPACED = re.compile(rf"{HAN}[A-Za-z0-9]|[A-Za-z0-9%]{HAN}")
PATRONISING = re.compile(r"\b(simply|obviously|just)\b", re.IGNORECASE)
LINK = re.compile(r"\]\(<?([^)\s>]+)|\b(?:href|src)=[\"']([^\"']+)")
NOT_PROSE = (
    (r"(?ms)^[ >]*(```|~~~).*?^[ >]*\1[^\n]*$", ""),  # fenced code
    (r"(?s)\$\$.*?\$\$", ""),
    (r"(`+)(?!`).+?(?<!`)\1(?!`)", "x"),  # inline code stands in a sentence as a Latin word does
    (r"\$[^$\n]+\$", "x"),
    (r"(?s)<!--.*?-->|<[a-zA-Z/][^>]*>", ""),
    (r"!?\[([^\]]*)\]\([^)]*\)", r"\1"),
    (r"\*+|~~", ""),
    (r"(?m)^[ >]*(#+ |[-+] )?((\d+|[A-Z])\. )?", ""),
    (r" *\| *", "\n"),  # each cell of a table is a line of its own
)


def digest(source: str) -> str:
    """Short hash of an English cell, kept with the translation that was made from it."""
    return hashlib.sha256(source.encode()).hexdigest()[:16]


def prose(markdown: str) -> str:
    """Leave only what is read as a sentence; a piece of inline code becomes one Latin letter."""
    for pattern, replacement in NOT_PROSE:
        markdown = re.sub(pattern, replacement, markdown)
    return markdown


def read(path: Path) -> NotebookNode:
    """Read a notebook as it stands."""
    notebook: NotebookNode = nbformat.read(path, as_version=nbformat.NO_CONVERT)
    return notebook


def chapters(book: Path) -> list[str]:
    """Names of the chapters that stand in both languages, in reading order."""
    english, chinese = ({path.stem for path in (book / language).glob("*.ipynb")} for language in LANGUAGES)
    return sorted(english & chinese)


def title(notebook: NotebookNode) -> str:
    """The heading of the first cell."""
    first = notebook.cells[0].source.partition("\n")[0] if notebook.cells else ""
    return first.removeprefix("# ").strip()


def tags(cell: NotebookNode) -> list[str]:
    """The tags of a cell."""
    return list(cell.metadata.get("tags", []))


def navigation(book: Path, language: str, name: str) -> str:
    """The last cell of a chapter: links to the previous, the next and the same one in the other language."""
    before, after, colon = {"en": ("Previous", "Next", ": "), "zh": ("上一章", "下一章", "：")}[language]
    other, label = {"en": ("zh", "中文"), "zh": ("en", "English")}[language]

    def short(tongue: str, chapter: str) -> str:
        return re.split("[:：]", title(read(book / tongue / f"{chapter}.ipynb")))[0]

    names = chapters(book)
    here = names.index(name)
    links = [
        f"{direction}{colon}[{names[there][:2]} {short(language, names[there])}]({names[there]}.ipynb)"
        for direction, there in ((before, here - 1), (after, here + 1))
        if 0 <= there < len(names)
    ]
    return "---\n" + " · ".join([*links, f"{label}: [{short(other, name)}](../{other}/{name}.ipynb)"])


def untranslated(english: NotebookNode, cell: NotebookNode) -> bool:
    """Whether a Chinese cell still is the English text, word for word."""
    return cell.source == english.source and bool(re.search(r"[A-Za-z]{3}", prose(cell.source).replace("\n", " ")))


def parity_faults(english: NotebookNode, chinese: NotebookNode) -> Iterator[str]:
    """Where the Chinese chapter is not the English one, cell for cell."""
    if [cell.id for cell in english.cells] != [cell.id for cell in chinese.cells]:
        yield "the cells are not the English ones, or not in their order: run tools/book.py sync"
        return
    for source, cell in zip(english.cells, chinese.cells, strict=True):
        if source.cell_type != cell.cell_type:
            yield f"cell {cell.id}: {cell.cell_type}, but {source.cell_type} in English"
        elif tags(source) != tags(cell):
            yield f"cell {cell.id}: tags {tags(cell)}, but {tags(source)} in English"
        elif cell.cell_type == "code":
            if source.source != cell.source:
                yield f"cell {cell.id}: not the English code"
        elif untranslated(source, cell):
            yield f"cell {cell.id}: not translated"
        elif cell.metadata.get("cmpx", {}).get("source") != digest(source.source):
            yield f"cell {cell.id}: stale, the English text is another: translate it anew, then tools/book.py stamp"


def anatomy_faults(language: str, name: str, notebook: NotebookNode) -> Iterator[str]:
    """Which parts of a chapter are missing."""
    cells = {cell.id: cell for cell in notebook.cells}
    opening = cells.get("title")
    if opening is None or opening is not notebook.cells[0] or not opening.source.startswith("# "):
        yield "the first cell must have the id title and start with '# ' and the title"
        return
    need, time = OPENING[language]
    if need not in opening.source:
        yield f"the opening does not say {need}"
    if not re.search(time, opening.source):
        yield "the opening does not say how many minutes the chapter takes"
    if f"(../{LANGUAGES[language == 'en']}/{name}.ipynb)" not in opening.source:
        yield "the opening does not link to the other language"
    for part in ("learned", "source", "exercise-1"):
        if part not in cells:
            yield f"there is no cell {part}"
    if "source" in cells and not re.search(r"`[\w.-]+/[\w./-]+`.*v\d+\.\d", cells["source"].source):
        yield "the cell source names no file with its version"
    exercises = "\n".join(cell.source for identity, cell in cells.items() if identity.startswith("exercise-"))
    if "<details>" not in exercises:
        yield "no exercise has a folded solution"
    if not re.search({"en": r"(?m)^### \d+\. Repair: ", "zh": r"(?m)^### \d+\. 修复："}[language], exercises):
        yield "no exercise is a repair"


def code_faults(notebook: NotebookNode) -> Iterator[str]:
    """Code that is too long, was never run, or hides from the check of outputs."""
    lengths = []
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        lines = len(cell.source.splitlines())
        lengths.append(lines)
        if lines > 15 and not cell.id.startswith("exercise-"):
            yield f"cell {cell.id}: {lines} lines of code, and it is no exercise"
        if cell.execution_count is None:
            yield f"cell {cell.id}: never run: tools/book.py run"
        if "nbval-skip" in tags(cell):
            yield f"cell {cell.id}: every cell is run, none is skipped"
        if "nbval-ignore-output" in tags(cell) and re.search(r"\b(race|Iommu)\(", cell.source) and "assert" not in cell.source:
            yield f"cell {cell.id}: its output is not compared, so it must assert what always holds"
        for output in cell.outputs:
            if output.output_type == "error" and "raises-exception" not in tags(cell):
                yield f"cell {cell.id}: ends in {output.ename}"
            if "application/vnd.jupyter.widget-view+json" in output.get("data", {}):
                yield f"cell {cell.id}: stores a widget without its state: tools/book.py run"
    if lengths and median(lengths) > 3:
        yield f"half of its code cells have {median(lengths):g} lines or more; three is the measure"


def prose_faults(language: str, notebook: NotebookNode, forbidden: dict[str, str]) -> Iterator[str]:
    """Typography and terms of each language; `forbidden` leads from a banned Chinese variant to the term of the glossary."""
    for cell in notebook.cells:
        if cell.cell_type != "markdown":
            continue
        text = prose(cell.source)
        if language == "en":
            for word in PATRONISING.findall(text):
                yield f"cell {cell.id}: '{word}' talks down to the reader"
            continue
        for line in text.splitlines():
            if found := HALF_WIDTH.search(line) or ENDS_HALF_WIDTH.search(line.strip()):
                yield f"cell {cell.id}: half-width punctuation in '{found[0]}'"
            if found := UNSPACED.search(line):
                yield f"cell {cell.id}: no space in '{found[0]}'"
        for variant, term in forbidden.items():
            if variant in text:
                yield f"cell {cell.id}: '{variant}'; the glossary says '{term}'"


def link_faults(folder: Path, notebook: NotebookNode) -> Iterator[str]:
    """Links to files that are not there."""
    for cell in notebook.cells:
        if cell.cell_type != "markdown":
            continue
        for match in LINK.finditer(re.sub(*NOT_PROSE[0], cell.source)):
            target = (match[1] or match[2]).partition("#")[0]
            if target and not re.match(r"[a-z]+:", target) and not (folder / target).exists():
                yield f"cell {cell.id}: nothing at {target}"


def navigation_faults(book: Path, language: str, name: str, notebook: NotebookNode) -> Iterator[str]:
    """A chapter whose closing links are not those of today's table of contents."""
    last = notebook.cells[-1] if notebook.cells else None
    if last is None or last.id != "links" or last.source != navigation(book, language, name):
        yield "the last cell is not today's links: run tools/book.py links"


def glossary(book: Path) -> dict[str, str]:
    """Each banned Chinese variant and the term that stands for it."""
    with (book / "glossary.csv").open(encoding="utf-8", newline="") as file:
        return {variant: row["zh"] for row in csv.DictReader(file) for variant in row["forbidden"].split()}


def faults(book: Path) -> list[str]:
    """Everything that is wrong with a book, each fault with its file and cell."""
    files = {
        language: {
            path.relative_to(book / language).as_posix()
            for path in (book / language).rglob("*")
            if path.is_file() and ".ipynb_checkpoints" not in path.parts
        }
        for language in LANGUAGES
    }
    found = [f"{file}: there in one language only" for file in sorted(files["en"] ^ files["zh"])]
    forbidden = glossary(book)
    for name in chapters(book):
        pair = {language: read(book / language / f"{name}.ipynb") for language in LANGUAGES}
        for language, notebook in pair.items():
            checks = (
                anatomy_faults(language, name, notebook),
                code_faults(notebook),
                prose_faults(language, notebook, forbidden),
                link_faults(book / language, notebook),
                navigation_faults(book, language, name, notebook),
            )
            found += [f"{language}/{name}: {fault}" for check in checks for fault in check]
        found += [f"zh/{name}: {fault}" for fault in parity_faults(pair["en"], pair["zh"])]
    return found
