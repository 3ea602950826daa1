"""What a pair of notebooks must keep: parity, anatomy, typography, terms, facts, links. Each check yields sentences."""

import csv
import hashlib
import re
from collections.abc import Collection, Iterator, Sequence
from functools import cache
from pathlib import Path
from statistics import median

import nbformat
from nbformat import NotebookNode

import cmpx.widgets
from cmpx.chapters import Chapter, routes
from cmpx.course import ASSIGNMENTS, question
from cmpx.sources import CSRC

LANGUAGES = ("en", "zh")
PACKAGE = Path(cmpx.__file__).parent
GLOSSARY = PACKAGE / "glossary.csv"
PREDICTIONS = PACKAGE / "predictions"
OPENING = {"en": ("**You need:**", r"\*\*Time:\*\*.*\d+ min"), "zh": ("**预备知识**：", r"\*\*用时\*\*：.*\d+ 分钟")}

HAN = r"[\u3400-\u4dbf\u4e00-\u9fff]"
HALF_WIDTH = re.compile(rf"{HAN} ?[,.;:?!()]|[,.;:?!()] ?{HAN}")
ENDS_HALF_WIDTH = re.compile(rf"{HAN}.*[,.;:?!]$")
UNSPACED = re.compile(rf"{HAN}[A-Za-z0-9]|[A-Za-z0-9%]{HAN}")
PATRONISING = re.compile(r"\b(simply|obviously|just)\b", re.IGNORECASE)
LINK = re.compile(r"\]\(<?([^)\s>]+)|\b(?:href|src)=[\"']([^\"']+)")
# A path in the kernel's tree, a kernel version, a name that C could have; all stand in backticks, but for the version.
PATH = re.compile(r"(?:arch|block|Documentation|drivers|fs|include|kernel|lib|mm|net|tools|virt)/[\w./-]*\w\.\w+")
VERSION = re.compile(r"\bv\d+\.\d+\b")
NAME = re.compile(r"[A-Za-z]\w*_\w*|__\w+")
# Six Latin words in a row are a sentence, unless they are quoted or a title.
ENGLISH = re.compile(r"(?:[A-Za-z][\w'’-]*,? ){5,}[A-Za-z]\w*")
QUOTED = re.compile(r"“[^”]*”|《[^》]*》|「[^」]*」")
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


def assignments(book: Path) -> list[str]:
    """Names of the assignments that stand in both languages, each in a folder of its own, as nbgrader wants them."""
    english, chinese = ({path.stem for path in (book / language).glob("assignments/*/*.ipynb")} for language in LANGUAGES)
    return sorted(english & chinese)


def place(book: Path, language: str, name: str) -> Path:
    """The file of a chapter, or of an assignment."""
    chapter = book / language / f"{name}.ipynb"
    return chapter if re.match(r"\d\d-|[A-Z]-", name) else book / language / "assignments" / name / f"{name}.ipynb"


def title(notebook: NotebookNode) -> str:
    """The heading of the first cell."""
    first = notebook.cells[0].source.partition("\n")[0] if notebook.cells else ""
    return first.removeprefix("# ").strip()


def tags(cell: NotebookNode) -> list[str]:
    """The tags of a cell."""
    return list(cell.metadata.get("tags", []))


def navigation(language: str, name: str, manifest: Sequence[Chapter]) -> str:
    """The last cell of a chapter: links to the previous, the next and the same one in the other language."""
    before, after, colon = {"en": ("Previous", "Next", ": "), "zh": ("上一章", "下一章", "：")}[language]
    other, label = {"en": ("zh", "中文"), "zh": ("en", "English")}[language]
    here = [chapter.name for chapter in manifest].index(name)
    links = [
        f"{direction}{colon}[{manifest[place].number} {manifest[place].title[language]}]({manifest[place].name}.ipynb)"
        for direction, place in ((before, here - 1), (after, here + 1))
        if 0 <= place < len(manifest)
    ]
    return "---\n" + " · ".join([*links, f"{label}: [{manifest[here].title[other]}](../{other}/{name}.ipynb)"])


def table(language: str, manifest: Sequence[Chapter]) -> str:
    """The chapters and the routes as a README shows them."""
    rows = {"en": "| chapter | question | tempting answer |", "zh": "| 章 | 问题 | 诱人的答案 |"}[
        language
    ] + "\n|---|---|---|\n"
    for chapter in manifest:
        title = f"[{chapter.number} {chapter.title[language]}](notebooks/{language}/{chapter.name}.ipynb)"
        rows += f"| {title} | {chapter.question.get(language, '')} | {chapter.tempting.get(language, '')} |\n"
    stop = {"en": ".", "zh": "。"}[language]
    return f"{rows}\n" + {"en": " ", "zh": ""}[language].join(route.say(language) + stop for route in routes())


def with_table(text: str, rows: str) -> str:
    """A README whose table between the two marks is this one."""
    begin, end = "<!-- chapters: tools/book.py links -->", "<!-- chapters end -->"
    before, found, rest = text.partition(begin)
    if not found or end not in rest:
        raise ValueError(f"no table between {begin} and {end}")
    return f"{before}{begin}\n{rows}\n{end}{rest.partition(end)[2]}"


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
        elif source.metadata.get("nbgrader") != cell.metadata.get("nbgrader"):
            yield f"cell {cell.id}: what nbgrader is told is not what it is told in English"
        elif cell.cell_type == "code":
            if source.source != cell.source:
                yield f"cell {cell.id}: not the English code"
        elif untranslated(source, cell):
            yield f"cell {cell.id}: not translated"
        elif cell.metadata.get("cmpx", {}).get("source") != digest(source.source):
            yield f"cell {cell.id}: stale, the English text is another: translate it anew, then tools/book.py stamp"


def anatomy_faults(language: str, chapter: Chapter, notebook: NotebookNode) -> Iterator[str]:
    """Which parts of a chapter are missing; an appendix has an opening only."""
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
    if f"(../{LANGUAGES[language == 'en']}/{chapter.name}.ipynb)" not in opening.source:
        yield "the opening does not link to the other language"
    if chapter.number.isalpha():
        return
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


def assignment_faults(language: str, name: str, notebook: NotebookNode) -> Iterator[str]:
    """Where an assignment is not what nbgrader, or its questions, ask for."""
    if notebook.metadata.get("cmpx", {}).get("language") != language:
        yield f"its metadata do not say that it is in {language}: run tools/book.py sync"
    if f"(../../../{LANGUAGES[language == 'en']}/assignments/{name}/{name}.ipynb)" not in notebook.cells[0].source:
        yield "the opening does not link to the other language"
    graded = {cell.id: cell.metadata.nbgrader for cell in notebook.cells if "nbgrader" in cell.metadata}
    for identity, told in graded.items():
        if told.get("schema_version") != 3 or told.get("grade_id") != identity:
            yield f"cell {identity}: nbgrader's metadata are not those of schema 3 under this id"
    for asked in ASSIGNMENTS[name]["questions"]:
        points = sum(question(asked).points.values())
        if not graded.get(asked, {}).get("solution") or graded.get(f"{asked}-test", {}).get("points") != points:
            yield f"it has no solution cell {asked}, or no cell {asked}-test worth {points:g} points"
    if (total := sum(told["points"] for told in graded.values() if told["grade"])) != 100:
        yield f"it is worth {total:g} points in all, not 100"
    for cell in notebook.cells:
        if cell.cell_type == "code" and cell.execution_count is None:
            yield f"cell {cell.id}: never run: tools/book.py run"


def manifest_faults(language: str, chapter: Chapter, notebook: NotebookNode) -> Iterator[str]:
    """Where a chapter is not what the manifest says of it."""
    opening = notebook.cells[0].source if notebook.cells else ""
    short = re.split("[:：]", title(notebook))[0]
    if short != chapter.title[language]:
        yield f"its title is '{short}', the manifest says '{chapter.title[language]}'"
    minutes = re.search({"en": r"Time:\*\*\D*(\d+)", "zh": r"用时\*\*：\D*(\d+)"}[language], opening)
    if minutes and int(minutes[1]) != chapter.minutes:
        yield f"it takes {minutes[1]} minutes, the manifest says {chapter.minutes}"
    need = opening.partition(OPENING[language][0])[2].partition("**")[0]
    if (needs := tuple(sorted(set(re.findall(r"\((\d\d-[\w-]+)\.ipynb", need))))) != tuple(sorted(chapter.needs)):
        yield f"it needs {list(needs)}, the manifest says {list(chapter.needs)}"
    code = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    listings = tuple(name for name in bundled() if re.search(rf"[\"']{name}[\"']", code))
    if listings != tuple(sorted(chapter.listings)):
        yield f"it uses the listings {list(listings)}, the manifest says {list(chapter.listings)}"
    used = {name for name in cmpx.widgets.__all__ if re.search(rf"\b{name}\(", code)} - {"Predict"}
    widgets = tuple(sorted(used | ({"Stepper"} if ".step(" in code else set())))
    if widgets != tuple(sorted(chapter.widgets)):
        yield f"it uses the widgets {list(widgets)}, the manifest says {list(chapter.widgets)}"


def question_faults(chapter: Chapter, before: Sequence[Chapter], notebook: NotebookNode) -> Iterator[str]:
    """Whether the opening question, and those of two chapters before, are asked by the widget, where they belong."""
    places = {cell.id: (place, cell.source) for place, cell in enumerate(notebook.cells)}
    asked = [("predict", chapter.name, "", "question")] if chapter.question else []
    last = "again"
    for number, name in enumerate((each.name for each in before if (PREDICTIONS / f"{each.name}.toml").exists()), 1):
        asked.append((f"again-{number}", name, ", again=True", last))
        last = f"again-{number}"
    for identity, name, again, heading in asked:
        place, source = places.get(identity, (-1, ""))
        if source.split("\n\n")[-1] != f'Predict("{name}"{again})':
            yield f'cell {identity} must end in Predict("{name}"{again})'
        elif places.get(heading, (-1,))[0] != place - 1:
            yield f"cell {identity} must follow cell {heading}"
    if "again-1" in places and "learned" in places and places["again-1"][0] != places["learned"][0] - 1:
        yield "cell again-1 must stand right before cell learned"


def code_faults(notebook: NotebookNode) -> Iterator[str]:
    """Code that is too long, was never run, or hides from the check of outputs."""
    lengths = []
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        lines = len(cell.source.splitlines())
        lengths.append(lines)
        if lines > 15 and not cell.id.startswith("exercise-") and not cell.source.startswith("%%listing"):
            yield f"cell {cell.id}: {lines} lines of code, and it is neither exercise nor listing"
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


def dead_stars(markdown: str) -> Iterator[str]:
    """Bold text that Markdown leaves as stars: a mark just inside them and a Chinese character just outside."""
    for line in re.sub(*NOT_PROSE[2], re.sub(*NOT_PROSE[0], markdown)).splitlines():
        stars = [match.start() for match in re.finditer(r"(?<!\*)\*\*(?!\*)", line)]
        for first, last in zip(stars[::2], stars[1::2], strict=False):
            before, inside = line[:first][-1:], line[first + 2 : last]
            after = line[last + 2 : last + 3]
            for outer, inner in ((before, inside[:1]), (after, inside[-1:])):
                if re.match(HAN, outer) and not (inner.isalnum() or inner.isspace()):
                    yield f"**{inside}**"


def prose_faults(language: str, notebook: NotebookNode, forbidden: dict[str, str]) -> Iterator[str]:
    """Typography and terms of each language; `forbidden` leads from a banned Chinese variant to the term of the glossary."""
    for cell in notebook.cells:
        if cell.cell_type != "markdown":
            continue
        text = prose(cell.source)
        if language == "en":
            for word in PATRONISING.findall(text):
                yield f"cell {cell.id}: '{word}' talks down to the reader"
            if cell.id not in ("title", "links") and (found := re.search(HAN, QUOTED.sub("", text))):
                yield f"cell {cell.id}: Chinese in an English cell, '{found[0]}'"
            continue
        for stars in dead_stars(cell.source):
            yield f"cell {cell.id}: the stars of '{stars}' stay stars: Markdown wants no mark between them and a character"
        for line in text.splitlines():
            if found := ENGLISH.search(QUOTED.sub("", line)):
                yield f"cell {cell.id}: English in a Chinese cell, '{found[0]}'"
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


def picture_faults(notebook: NotebookNode) -> Iterator[str]:
    """Pictures that say nothing to whoever cannot see them."""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if "image/png" in data and str(data.get("text/plain", "<")).startswith("<"):
                yield f"cell {cell.id}: a picture without a text in its place"
        if cell.cell_type != "markdown":
            continue
        for picture in re.findall(r"(?s)```mermaid\n(.*?)```", cell.source):
            for part in ("accTitle: ", "accDescr: "):
                if part not in picture:
                    yield f"cell {cell.id}: a picture without {part.strip(': ')}"
        if re.search(r"!\[\s*\]\(", cell.source) or re.search(r"<img(?![^>]*\balt=)", cell.source):
            yield f"cell {cell.id}: a picture without a text in its place"


@cache
def bundled() -> tuple[str, ...]:
    """The names of the book's own listings."""
    return tuple(sorted(path.stem for path in (CSRC / "listings").glob("*.c")))


@cache
def ours() -> frozenset[str]:
    """Every name that stands in our own code: what is not among them belongs to somebody else."""
    texts = [path.read_text("utf-8") for path in (*PACKAGE.rglob("*.py"), *CSRC.rglob("*.[ch]"))]
    return frozenset(name for text in texts for name in NAME.findall(text))


def fact_faults(book: Path, notebook: NotebookNode) -> Iterator[str]:
    """Kernel paths, versions and names that the file of facts does not hold, with their source."""
    with (book / "facts.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    known = "\n".join(" ".join(filter(None, (row["name"], row["path"], row["version"]))) for row in rows)
    names, paths, versions = set(NAME.findall(known)), set(PATH.findall(known)), set(VERSION.findall(known))
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    fenced = [match[0] for cell in notebook.cells for match in re.finditer(NOT_PROSE[0][0], cell.source)]
    own = ours() | {name for text in (*code, *fenced) for name in NAME.findall(text)}
    for cell in notebook.cells:
        if cell.cell_type != "markdown":
            continue
        text = re.sub(*NOT_PROSE[0], cell.source)
        unknown = set(VERSION.findall(text)) - versions
        for quoted in re.findall(r"`([^`\n]+)`", text):
            if found := PATH.findall(quoted):
                unknown |= set(found) - paths
            elif re.fullmatch(rf"(?:struct )?(?:{NAME.pattern})(?:\(\))?", quoted):
                unknown |= set(NAME.findall(quoted)) - names - own
        for what in sorted(unknown):
            yield f"cell {cell.id}: {what} does not stand in facts.csv, with its source"


def navigation_faults(line: str, notebook: NotebookNode) -> Iterator[str]:
    """A chapter whose closing links are not those of today's table of contents."""
    last = notebook.cells[-1] if notebook.cells else None
    if last is None or last.id != "links" or last.source != line:
        yield "the last cell is not today's links: run tools/book.py links"


def read_glossary(path: Path) -> list[dict[str, str]]:
    """The rows of the glossary."""
    with path.open(encoding="utf-8", newline="") as file:
        return [{key: value or "" for key, value in row.items()} for row in csv.DictReader(file)]


def taught(term: dict[str, str], texts: dict[str, str]) -> str:
    """The chapter that teaches a term: the first that gives the English beside the Chinese, else the first that uses it."""
    short = term["en"].partition(" (")[0]
    first = re.compile(rf"{re.escape(term['zh'])}\**（(?:[^）]*[、，；])?{re.escape(short)}[）、，；]", re.IGNORECASE)
    introducing = (name for name, text in texts.items() if first.search(text))
    using = (name for name, text in texts.items() if term["zh"] in text)
    return next(introducing, next(using, ""))


def glossary_faults(book: Path, path: Path, manifest: Sequence[Chapter]) -> Iterator[str]:
    """Terms whose chapter is not the one that teaches them, and those that none teaches."""
    texts = chinese_texts(book, manifest)
    for term in read_glossary(path):
        if term.get("chapter") != taught(term, texts):
            yield f"glossary.csv: {term['zh']} is taught in '{taught(term, texts)}': run tools/book.py links"
        elif not term["chapter"]:
            yield f"glossary.csv: no chapter teaches {term['zh']}"


def chinese_texts(book: Path, manifest: Sequence[Chapter]) -> dict[str, str]:
    """The Chinese prose of each chapter, appendices apart."""
    return {
        chapter.name: "\n".join(
            prose(cell.source) for cell in read(book / "zh" / f"{chapter.name}.ipynb").cells if cell.cell_type == "markdown"
        )
        for chapter in manifest
        if chapter.number.isdigit()
    }


def readme_faults(book: Path, manifest: Sequence[Chapter]) -> Iterator[str]:
    """READMEs whose table of chapters is out of date."""
    for language, file in (("en", "README.md"), ("zh", "README.zh-CN.md")):
        text = (book.parent / file).read_text("utf-8")
        if with_table(text, table(language, manifest)) != text:
            yield f"{file}: not today's table of chapters: run tools/book.py links"


def unused_listings(manifest: Sequence[Chapter]) -> list[str]:
    """Bundled listings that no chapter uses; a wrong twin may be met through the listing whose name it continues."""
    used = {name for chapter in manifest for name in chapter.listings}
    return [name for name in bundled() if not any(name == each or name.startswith(f"{each}_") for each in used)]


def faults(
    book: Path, manifest: Sequence[Chapter], glossary: Path = GLOSSARY, classroom: Collection[str] = ASSIGNMENTS.keys()
) -> list[str]:
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
    names = [chapter.name for chapter in manifest]
    odd = sorted(set(names) ^ set(chapters(book)))
    if odd:
        return [*found, *(f"{name}: it stands in the notebooks or in chapters.toml, not in both" for name in odd)]
    if odd := sorted(set(classroom) ^ set(assignments(book))):
        return [*found, *(f"{name}: it stands in the notebooks or in assignments.toml, not in both" for name in odd)]
    found += [*readme_faults(book, manifest), *glossary_faults(book, glossary, manifest)]
    forbidden = {variant: row["zh"] for row in read_glossary(glossary) for variant in row["forbidden"].split()}
    for chapter in manifest:
        pair = {language: read(book / language / f"{chapter.name}.ipynb") for language in LANGUAGES}
        here = names.index(chapter.name)
        # each question comes again two chapters later; those of the last two in the appendix
        before = manifest[max(here - 2, 0) : max(here - 1, 0) if chapter.number.isdigit() else here]
        for language, notebook in pair.items():
            checks = (
                anatomy_faults(language, chapter, notebook),
                manifest_faults(language, chapter, notebook),
                question_faults(chapter, before, notebook),
                code_faults(notebook),
                prose_faults(language, notebook, forbidden),
                picture_faults(notebook),
                fact_faults(book, notebook),
                link_faults(book / language, notebook),
                navigation_faults(navigation(language, chapter.name, manifest), notebook),
            )
            found += [f"{language}/{chapter.name}: {fault}" for check in checks for fault in check]
        found += [f"zh/{chapter.name}: {fault}" for fault in parity_faults(pair["en"], pair["zh"])]
    for name in classroom:
        pair = {language: read(place(book, language, name)) for language in LANGUAGES}
        for language, notebook in pair.items():
            said = (
                assignment_faults(language, name, notebook),
                prose_faults(language, notebook, forbidden),
                picture_faults(notebook),
                fact_faults(book, notebook),
                link_faults(place(book, language, name).parent, notebook),
            )
            found += [f"{language}/{name}: {fault}" for check in said for fault in check]
        found += [f"zh/{name}: {fault}" for fault in parity_faults(pair["en"], pair["zh"])]
    return found
