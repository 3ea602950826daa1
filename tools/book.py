"""The authors' tool: python tools/book.py {sync,stamp,links,run,status} [chapter ...].

sync    makes the Chinese chapters follow the English ones: cells, order, ids, tags and code; new text arrives in English
stamp   stores in each translated cell the hash of the English text that it was made from
links   writes what follows from the manifest: the links that close each chapter, the tables of the READMEs, and in the
        glossary the chapter that teaches a term
run     executes chapters in both languages and stores their outputs; those that differ from run to run are kept as they are
        while the code of the chapter stays the same, unless --fresh is given
status  counts words and lists what is stale, untranslated or against the rules
"""

import argparse
import csv
import os
import re
import sys
import tempfile
from copy import deepcopy
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode
from proofread import (
    GLOSSARY,
    HAN,
    LANGUAGES,
    assignments,
    chapters,
    chinese_texts,
    digest,
    faults,
    navigation,
    place,
    prose,
    read,
    read_glossary,
    table,
    tags,
    taught,
    untranslated,
    with_table,
)

from cmpx.chapters import chapters as manifest

BOOK = Path(__file__).resolve().parents[1] / "notebooks"
METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"file_extension": ".py", "mimetype": "text/x-python", "name": "python"},
}
CELL_METADATA = {"cmpx", "jupyter", "nbgrader", "tags"}
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


def write(notebook: NotebookNode, path: Path) -> None:
    """Validate and write, in the one form that diffs well."""
    nbformat.validate(notebook)
    nbformat.write(notebook, path)


def sync(english: NotebookNode, chinese: NotebookNode) -> NotebookNode:
    """The English notebook, with the translations and the outputs that the Chinese one has."""
    result = deepcopy(english)
    if "cmpx" in result.metadata:
        result.metadata.cmpx["language"] = "zh"
    translated = {cell.id: cell for cell in chinese.cells}
    for cell in result.cells:
        before = translated.get(cell.id)
        if before is not None and before.cell_type != cell.cell_type:
            before = None
        if cell.cell_type == "code":
            cell.outputs = before.outputs if before else []
            cell.execution_count = before.execution_count if before else None
            cell.metadata.pop("cmpx", None)
            if before and "cmpx" in before.metadata:
                cell.metadata.cmpx = before.metadata.cmpx
        elif before:
            cell.source = before.source
            if "cmpx" in before.metadata:
                cell.metadata.cmpx = before.metadata.cmpx
    return result


def stamp(english: NotebookNode, chinese: NotebookNode) -> list[str]:
    """Mark the translated cells as made from today's English; returns the ids of those that still are English."""
    source = {cell.id: cell for cell in english.cells}
    left = []
    for cell in chinese.cells:
        if cell.cell_type != "markdown" or cell.id not in source:
            continue
        if untranslated(source[cell.id], cell):
            left.append(cell.id)
        else:
            cell.metadata["cmpx"] = {"source": digest(source[cell.id].source)}
    return left


def link(notebook: NotebookNode, line: str, english_line: str | None) -> None:
    """Close a chapter with the cell of links, in place of an older one."""
    cell = nbformat.v4.new_markdown_cell(line, id="links")
    if english_line is not None:
        cell.metadata["cmpx"] = {"source": digest(english_line)}
    notebook.cells = [*(cell for cell in notebook.cells if cell.id != "links"), cell]


def clean(notebook: NotebookNode) -> None:
    """Drop whatever differs from run to run or from machine to machine.

    A stored widget is dead without its kernel: its text twin stays, and is what a reopened notebook shows.
    """
    told = {"cmpx": notebook.metadata.cmpx} if "cmpx" in notebook.metadata else {}
    notebook.metadata = nbformat.from_dict(METADATA | told)
    notebook.nbformat_minor = 5
    for cell in notebook.cells:
        cell.metadata = nbformat.from_dict({key: value for key, value in cell.metadata.items() if key in CELL_METADATA})
        for output in cell.get("outputs", []):
            output.get("data", {}).pop(WIDGET_VIEW, None)
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if output.get("data", True)]


def keep(before: NotebookNode, after: NotebookNode) -> None:
    """Put back the outputs that differ from run to run, as long as they come from this very code.

    All of them or none: the numbers of one race stand in several cells.
    """
    code = digest("\0".join(cell.source for cell in after.cells if cell.cell_type == "code"))
    stored = {cell.id: cell for cell in before.cells if cell.metadata.get("cmpx", {}).get("ran") == code}
    racy = [cell for cell in after.cells if cell.cell_type == "code" and "nbval-ignore-output" in tags(cell)]
    for cell in racy:
        if all(each.id in stored for each in racy):
            cell.outputs = stored[cell.id].outputs
        cell.metadata["cmpx"] = {"ran": code}


def update_glossary(book: Path, path: Path) -> None:
    """Write beside each term the chapter that teaches it."""
    terms = read_glossary(path)
    texts = chinese_texts(book, manifest())
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, ["en", "zh", "forbidden", "chapter"], lineterminator="\n")
        writer.writeheader()
        writer.writerows(term | {"chapter": taught(term, texts)} for term in terms)


def run(path: Path, fresh: bool = False) -> None:
    """Execute a notebook in its own folder and store the outputs; a failing cell leaves the file as it was."""
    notebook = read(path)
    before = deepcopy(notebook)
    NotebookClient(
        notebook,
        kernel_name="python3",
        timeout=120,
        resources={"metadata": {"path": str(path.parent)}},
        record_timing=False,
        store_widget_state=False,
        coalesce_streams=True,
    ).execute()
    clean(notebook)
    keep(nbformat.v4.new_notebook() if fresh else before, notebook)
    for cell in notebook.cells:
        for folder in (BOOK.parent, Path.home()):
            if f"{folder}/" in str(cell.get("outputs", "")):
                raise ValueError(
                    f"the output of cell {cell.id} names {folder}, a folder of this machine: let the cell print less"
                )
    write(notebook, path)


def count(notebook: NotebookNode, language: str) -> int:
    """Words in English, characters in Chinese."""
    text = "\n".join(prose(cell.source) for cell in notebook.cells if cell.cell_type == "markdown")
    return len(re.findall(HAN, text)) if language == "zh" else len(re.findall(r"[A-Za-z][\w'’-]*", text))


def main() -> None:
    """Do what the command line says; an exit status of 1 means that something is left to do."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("verb", choices=["sync", "stamp", "links", "run", "status"])
    parser.add_argument("chapter", nargs="*", help="names such as 06-pi-post-block; all when none is given")
    parser.add_argument("--fresh", action="store_true", help="run: also store anew what differs from run to run")
    arguments = parser.parse_intermixed_args()
    english = sorted(path.stem for pattern in ("*.ipynb", "assignments/*/*.ipynb") for path in (BOOK / "en").glob(pattern))
    there = english if arguments.verb == "sync" else [*chapters(BOOK), *assignments(BOOK)]
    names = arguments.chapter or there
    if unknown := set(names) - set(there):
        parser.error(f"no chapter {', '.join(sorted(unknown))}; there are {', '.join(there)}; sync begins a translation")

    if arguments.verb == "status":
        for name in names:
            numbers = [f"{count(read(place(BOOK, language, name)), language):,} {language}" for language in LANGUAGES]
            print(f"{name}: {', '.join(numbers)}")
        left = [fault for fault in faults(BOOK, manifest()) if any(name in fault for name in names)]
        print(*left, sep="\n")
        sys.exit(bool(left))

    if arguments.verb == "links":
        for language, file in (("en", "README.md"), ("zh", "README.zh-CN.md")):
            path = BOOK.parent / file
            path.write_text(with_table(path.read_text("utf-8"), table(language, manifest())), "utf-8")
        update_glossary(BOOK, GLOSSARY)
        names = [chapter.name for chapter in manifest() if chapter.name in names]

    for name in ("CMPX_LANGUAGE", "CMPX_STUDENT", "JUPYTERHUB_USER"):
        os.environ.pop(name, None)  # the folder decides on the language, as it does for a reader, and this one is no student
    nobody = tempfile.TemporaryDirectory()
    os.environ["XDG_DATA_HOME"] = nobody.name  # a reader who has answered nothing yet
    for name in names:
        paths = {language: place(BOOK, language, name) for language in LANGUAGES}
        source = read(paths["en"])
        translation = read(paths["zh"]) if paths["zh"].exists() else nbformat.v4.new_notebook()
        if arguments.verb == "sync":
            paths["zh"].parent.mkdir(parents=True, exist_ok=True)
            write(sync(source, translation), paths["zh"])
        elif arguments.verb == "stamp":
            if left := stamp(source, translation):
                print(f"{name}: still English: {', '.join(left)}")
            write(translation, paths["zh"])
        elif arguments.verb == "links":
            line = navigation("en", name, manifest())
            link(source, line, None)
            link(translation, navigation("zh", name, manifest()), line)
            write(source, paths["en"])
            write(translation, paths["zh"])
        else:
            for path in paths.values():
                try:
                    run(path, arguments.fresh)
                except (CellExecutionError, ValueError) as error:
                    sys.exit(f"{path.relative_to(BOOK)}: {error}")


if __name__ == "__main__":
    main()
