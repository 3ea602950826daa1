"""The two books are one book; and the proofreader that says so sees each fault it is there for."""

import shutil
from pathlib import Path

import nbformat
import pytest
from book import link, stamp, write
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from proofread import GLOSSARY, faults, navigation, prose, read, read_glossary, table, taught, unused_listings, with_table

from cmpx.chapters import Chapter
from cmpx.chapters import chapters as manifest

BOOK = Path(__file__).parent.parent / "notebooks"

TEXTS = {
    "title": (
        "# Words: one\n\n*A promise.*\n\n**You need:** C. **Time:** 5 minutes. **中文版：** [字](../zh/{name}.ipynb)",
        "# 字：一个\n\n*许诺。*\n\n**预备知识**：C。**用时**：5 分钟。**English:** [Words](../en/{name}.ipynb)",
    ),
    "text": (
        "Call `cmpxchg(x, 5, 7)`, or `x`:\n\n```c\nint just, simply; // 中文,x\n```\n\n| a | b |\n|:--|--:|\n| 1 | 2 |",
        "调用 `cmpxchg(x, 5, 7)` 或 `x`：\n\n```c\nint just, simply; // 中文,x\n```\n\n| 甲 | 乙 |\n|:--|--:|\n| 1 | 2 |",
    ),
    "learned": ("## What you learned\n\n- **One**, two.", "## 学到了什么\n\n- **一**，丢失更新。"),
    "source": (
        "## Source\n\n| `lib/llist.c` | `llist_new_fn` | v5.0 |",
        "## 源码\n\n| `lib/llist.c` | `llist_new_fn` | v5.0 |",
    ),
    "exercise-1": (
        "### 1. Repair: it\n\n<details><summary>Solution</summary>\n\nSo.\n\n</details>",
        "### 1. 修复：它\n\n<details><summary>答案</summary>\n\n如此。\n\n</details>",
    ),
}

CONTENTS = (
    Chapter("01-one", {"en": "Words", "zh": "字"}, 5),
    Chapter("02-two", {"en": "Words", "zh": "字"}, 5, question={"en": "what?", "zh": "什么？"}),
)
THIRD = Chapter("03-three", {"en": "Words", "zh": "字"}, 5)
PREDICT = 'from cmpx.widgets import Predict\n\nPredict("02-two")'


def faults_of(book, contents=CONTENTS):
    return faults(book, contents, book.parent / "glossary.csv", ())


def link_all(folder):
    for chapter in CONTENTS:
        english, chinese = (read(folder / language / f"{chapter.name}.ipynb") for language in ("en", "zh"))
        line = navigation("en", chapter.name, CONTENTS)
        link(english, line, None)
        link(chinese, navigation("zh", chapter.name, CONTENTS), line)
        assert stamp(english, chinese) == []
        write(english, folder / "en" / f"{chapter.name}.ipynb")
        write(chinese, folder / "zh" / f"{chapter.name}.ipynb")


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """A book of two short chapters without a fault."""
    folder = tmp_path_factory.mktemp("whole") / "notebooks"
    folder.mkdir()
    (folder.parent / "glossary.csv").write_text(
        "en,zh,forbidden,chapter\nlost update,丢失更新,更新丢失 遗失更新,01-one\nword,字,,01-one\n", "utf-8"
    )
    (folder / "facts.csv").write_text("name,path,version,source\nllist_new_fn,lib/llist.c,v5.0,read\n", "utf-8")
    for place, language in enumerate(("en", "zh")):
        (folder / language).mkdir()
        for name in ("01-one", "02-two"):
            cells = [new_markdown_cell(texts[place].format(name=name), id=key) for key, texts in TEXTS.items()]
            cells.insert(2, new_code_cell("1 + 1", id="code", execution_count=1))
            if name == "02-two":
                heading = ("## The question\n\nWhat?", "## 问题来了\n\n什么？")[place]
                cells[1:1] = [
                    new_markdown_cell(heading, id="question"),
                    new_code_cell(PREDICT, id="predict", execution_count=1),
                ]
            write(new_notebook(cells=cells), folder / language / f"{name}.ipynb")
    link_all(folder)
    for language, file in (("en", "README.md"), ("zh", "README.zh-CN.md")):
        marks = "# x\n\n<!-- chapters: tools/book.py links -->\n<!-- chapters end -->\n\ny\n"
        (folder.parent / file).write_text(with_table(marks, table(language, CONTENTS)), "utf-8")
    return folder


@pytest.fixture
def book(sound, tmp_path):
    """A copy of it, to spoil."""
    return shutil.copytree(sound.parent, tmp_path / "whole") / "notebooks"


def cell(notebook, identity):
    return next(each for each in notebook.cells if each.id == identity)


def say(identity, text):
    """A change: this text at the end of that cell."""

    def change(notebook):
        cell(notebook, identity).source += text

    return change


def test_the_book_is_in_order():
    assert faults(BOOK, manifest()) == []


def test_each_bundled_listing_is_used():
    assert unused_listings(manifest()) == []
    assert "pi_post_block_stale" in unused_listings(CONTENTS)


def test_a_sound_book_has_no_fault(book):
    assert faults_of(book) == []


def test_links_lead_back_forth_and_across(book):
    line = "---\nNext: [02 Words](02-two.ipynb) · 中文: [字](../zh/01-one.ipynb)"
    assert navigation("en", "01-one", CONTENTS) == line
    line = "---\n上一章：[01 字](01-one.ipynb) · English: [Words](../en/02-two.ipynb)"
    assert navigation("zh", "02-two", CONTENTS) == line


def test_a_chapter_in_one_language_shows(book):
    (book / "zh" / "02-two.ipynb").unlink()
    assert faults_of(book)[0] == "02-two.ipynb: there in one language only"


def test_a_file_in_one_language_shows(book):
    (book / "en" / "picture.svg").write_text("<svg/>")
    assert faults_of(book) == ["picture.svg: there in one language only"]


def test_a_new_chapter_makes_the_links_old(book):
    for language in ("en", "zh"):
        text = (book / language / "01-one.ipynb").read_text("utf-8").replace("01-one", "03-three")
        (book / language / "03-three.ipynb").write_text(text, "utf-8")
    assert faults_of(book) == ["03-three: it stands in the notebooks or in chapters.toml, not in both"]
    assert {fault for fault in faults_of(book, (*CONTENTS, THIRD)) if "02-two" in fault} == {
        f"{language}/02-two: the last cell is not today's links: run tools/book.py links" for language in ("en", "zh")
    }


def drop(identity):
    def change(notebook):
        notebook.cells.remove(cell(notebook, identity))

    return change


def turn(notebook):
    notebook.cells[1], notebook.cells[2] = notebook.cells[2], notebook.cells[1]


def retype(notebook):
    place = notebook.cells.index(cell(notebook, "code"))
    notebook.cells[place] = new_markdown_cell("`1 + 1`", id="code")


def tag(*tags):
    def change(notebook):
        cell(notebook, "code").metadata["tags"] = list(tags)

    return change


def code(text, *tags):
    def change(notebook):
        cell(notebook, "code").source = text
        cell(notebook, "code").metadata["tags"] = list(tags)

    return change


def english_again(notebook):
    cell(notebook, "text").source = TEXTS["text"][0]


def unstamp(notebook):
    cell(notebook, "text").metadata = {}


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (drop("text"), "not the English ones"),
        (turn, "not the English ones"),
        (retype, "cell code: markdown, but code in English"),
        (tag("nbval-ignore-output"), "cell code: tags ['nbval-ignore-output'], but [] in English"),
        (code("1 + 2"), "cell code: not the English code"),
        (english_again, "cell text: not translated"),
        (unstamp, "cell text: stale"),
    ],
)
def test_a_chinese_chapter_that_differs_shows(book, change, fault):
    alter(book, "zh", change)
    assert any(line.startswith("zh/01-one: ") and fault in line for line in faults_of(book))


def alter(book, language, change, name="01-one"):
    path = book / language / f"{name}.ipynb"
    notebook = read(path)
    change(notebook)
    write(notebook, path)


def test_a_change_of_the_english_text_makes_its_translation_stale(book):
    alter(book, "en", say("learned", "\n- Three."))
    assert [line for line in faults_of(book) if "learned" in line] == [
        "zh/01-one: cell learned: stale, the English text is another: translate it anew, then tools/book.py stamp"
    ]


@pytest.mark.parametrize(
    "text",
    [
        "返回旧值,失败。",
        "返回旧值, 失败。",
        "返回旧值.",
        "返回 `old`。见v5.0。",
        "先读x 再写。",
        "先读 x再写。",
        "先读`x` 再写。",
        "占 3%的时间。",
        "失败(重来)。",
        "失败 (重来)。",
        "为什么?",
        "是:\n",
        "分号;也是。",
        "**粗体**,然后。",
        "**粗体。**然后。",
        "叫**“粗体”**。",
        "| 甲,乙 |",
        "这叫更新丢失。",
    ],
)
def test_a_fault_of_chinese_prose_shows(book, text):
    alter(book, "zh", say("text", f"\n\n{text}"))
    found = faults_of(book)
    assert found
    assert all(line.startswith("zh/01-one: cell text: ") for line in found)


@pytest.mark.parametrize(
    "text",
    [
        "返回旧值，失败。CAS 比较 `a,b`，读 `x`，写 `y`；3% 就够了。",
        "1. 第一步：`x`\n2. 第二步\n- **A.** 甲\n\n### 3. 标题",
        "公式 $x,y$ 与[链接](https://www.kernel.org/doc,x)都行。",
        "版本 v5.0（2019 年）的 `lib/llist.c`。",
        "丢失更新。",
        "<details><summary>答案</summary>\n\n对。\n\n</details>",
    ],
)
def test_sound_chinese_prose_passes(book, text):
    alter(book, "zh", say("text", f"\n\n{text}"))
    assert faults_of(book) == []


@pytest.mark.parametrize("text", ["You simply call it.", "Obviously so.", "It is just a load."])
def test_english_that_talks_down_shows(book, text):
    alter(book, "en", say("text", f"\n\n{text}"))
    assert any("talks down to the reader" in line for line in faults_of(book))


def test_adjust_is_no_fault(book):
    alter(book, "en", say("text", "\n\nAdjust it; `just` is a name."))
    assert not any("talks down" in line for line in faults_of(book))


def lengthen(notebook):
    cell(notebook, "code").source = "\n".join(["1"] * 16)


def never_run(notebook):
    cell(notebook, "code").execution_count = None


def fail(notebook):
    cell(notebook, "code").outputs = [new_output("error", ename="KeyError", evalue="x", traceback=[])]


def show_widget(notebook):
    data = {"application/vnd.jupyter.widget-view+json": {"model_id": "0"}, "text/plain": "x"}
    cell(notebook, "code").outputs = [new_output("display_data", data)]


def show_picture(notebook):
    data = {"image/png": "", "text/plain": "<Figure size 640x480 with 1 Axes>"}
    cell(notebook, "code").outputs = [new_output("display_data", data)]


def retitle(before, after):
    def change(notebook):
        cell(notebook, "title").source = cell(notebook, "title").source.replace(before, after)

    return change


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (drop("title"), "the first cell must have the id title"),
        (retitle("# ", "## "), "the first cell must have the id title"),
        (retitle("You need", "Bring"), "the opening does not say **You need:**"),
        (retitle("5 minutes", "a while"), "the opening does not say how many minutes"),
        (retitle("../zh/", "../en/"), "the opening does not link to the other language"),
        (drop("learned"), "there is no cell learned"),
        (drop("source"), "there is no cell source"),
        (drop("exercise-1"), "no exercise is a repair"),
        (drop("exercise-1"), "no exercise has a folded solution"),
        (drop("links"), "the last cell is not today's links"),
        (lambda notebook: notebook.cells.append(new_markdown_cell("More.")), "the last cell is not today's links"),
        (say("text", "\n\n[gone](gone.ipynb)"), "cell text: nothing at gone.ipynb"),
        (say("text", '\n\n<img src="gone.png">'), "cell text: nothing at gone.png"),
        (lengthen, "cell code: 16 lines of code"),
        (say("text", "\n\n```mermaid\nflowchart TB\n    accTitle: x\n```"), "cell text: a picture without accDescr"),
        (say("text", "\n\n![](picture.png)"), "cell text: a picture without a text in its place"),
        (show_picture, "cell code: a picture without a text in its place"),
        (say("text", "\n\nSee `lib/lockref.c`."), "cell text: lib/lockref.c does not stand in facts.csv"),
        (say("text", "\n\nSee `llist_other_fn()`."), "cell text: llist_other_fn does not stand in facts.csv"),
        (say("text", "\n\nSince v5.1."), "cell text: v5.1 does not stand in facts.csv"),
        (say("text", "\n\nThis is 原子."), "cell text: Chinese in an English cell, '原'"),
        (retitle("# Words", "# Others"), "its title is 'Others', the manifest says 'Words'"),
        (retitle("5 minutes", "6 minutes"), "it takes 6 minutes, the manifest says 5"),
        (retitle("need:** C", "need:** [it](02-two.ipynb)"), "it needs ['02-two'], the manifest says []"),
        (code('listing("sb").step()'), "it uses the listings ['sb'], the manifest says []"),
        (code('listing("sb").step()'), "it uses the widgets ['Stepper'], the manifest says []"),
        (lengthen, "half of its code cells have 16 lines or more"),
        (never_run, "cell code: never run"),
        (fail, "cell code: ends in KeyError"),
        (show_widget, "cell code: stores a widget without its state"),
        (tag("nbval-skip"), "cell code: every cell is run"),
        (code('r = race("store")', "nbval-ignore-output"), "cell code: its output is not compared"),
    ],
)
def test_a_chapter_that_lacks_something_shows(book, change, fault):
    alter(book, "en", change)
    assert any(line.startswith(f"en/01-one: {fault}") for line in faults_of(book))


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (drop("predict"), 'cell predict must end in Predict("02-two")'),
        (drop("question"), "cell predict must follow cell question"),
    ],
)
def test_a_question_that_is_not_asked_shows(book, change, fault):
    alter(book, "en", change, "02-two")
    assert any(line == f"en/02-two: {fault}" for line in faults_of(book))


def test_a_question_is_asked_again_two_chapters_later(book, monkeypatch, tmp_path):
    (tmp_path / "01-one.toml").touch()
    monkeypatch.setattr("proofread.PREDICTIONS", tmp_path)
    for language in ("en", "zh"):
        text = (book / language / "01-one.ipynb").read_text("utf-8").replace("01-one", "03-three")
        (book / language / "03-three.ipynb").write_text(text, "utf-8")
    contents = (*CONTENTS, THIRD)
    fault = 'en/03-three: cell again-1 must end in Predict("01-one", again=True)'
    assert fault in faults_of(book, contents)
    alter(book, "en", ask_again, "03-three")
    assert fault not in faults_of(book, contents)
    assert "en/03-three: cell again-1 must stand right before cell learned" in faults_of(book, contents)


def ask_again(notebook):
    notebook.cells[1:1] = [
        new_markdown_cell("## Two chapters ago", id="again"),
        new_code_cell('Predict("01-one", again=True)', id="again-1", execution_count=1),
    ]


def test_an_appendix_needs_no_exercises(book):
    appendix = [Chapter("01-one", {"en": "Words", "zh": "字"}, 5), Chapter("A-x", {"en": "Words", "zh": "字"}, 5)]
    for language in ("en", "zh"):
        path = book / language / "02-two.ipynb"
        notebook = read(path)
        notebook.cells = [notebook.cells[0], notebook.cells[-1]]
        notebook.cells[0].source = notebook.cells[0].source.replace("02-two", "A-x")
        write(notebook, book / language / "A-x.ipynb")
        path.unlink()
    found = [line for line in faults(book, appendix, book.parent / "glossary.csv", ()) if "/A-x: " in line]
    assert found
    assert not [line for line in found if "there is no cell" in line or "exercise" in line]


def test_a_readme_that_is_out_of_date_shows(book):
    path = book.parent / "README.md"
    path.write_text(path.read_text("utf-8").replace("[01 Words]", "[01 Others]"), "utf-8")
    assert faults_of(book) == ["README.md: not today's table of chapters: run tools/book.py links"]


def test_english_in_a_chinese_cell_shows(book):
    alter(book, "zh", say("text", "\n\n见 “A title of more than six words here” 一文。"))
    assert faults_of(book) == []
    alter(book, "zh", say("text", "\n\nThis sentence was left as it stood."))
    assert any("English in a Chinese cell" in line for line in faults_of(book))


@pytest.mark.parametrize(
    ("texts", "chapter"),
    [
        ({"01": "原子", "02": "这叫**原子**（atomic）。"}, "02"),
        ({"01": "一步", "02": "原子"}, "02"),
        ({"01": "原子", "02": "原子（atomic add）", "03": "原子（CAS，atomic）"}, "03"),
        ({"01": "一步"}, ""),
    ],
)
def test_a_term_is_taught_where_it_is_introduced(texts, chapter):
    assert taught({"en": "atomic", "zh": "原子"}, texts) == chapter


def test_a_term_taught_elsewhere_shows(book):
    path = book.parent / "glossary.csv"
    path.write_text(path.read_text("utf-8").replace("01-one", "02-two"), "utf-8")
    assert "glossary.csv: 字 is taught in '01-one': run tools/book.py links" in faults_of(book)


def test_a_term_that_no_chapter_teaches_shows(book):
    path = book.parent / "glossary.csv"
    path.write_text(path.read_text("utf-8") + "mutex,互斥锁,,\n", "utf-8")
    assert faults_of(book) == ["glossary.csv: no chapter teaches 互斥锁"]


def test_prose_is_what_is_read():
    markdown = "# A `b` [c](d.ipynb)\n\n```c\nint e;\n```\n<!-- f -->*g* <kbd>h</kbd> $i$ | j"
    assert prose(markdown).split() == ["A", "x", "c", "g", "h", "x", "j"]


def test_the_glossary_contradicts_nothing():
    rows = read_glossary(GLOSSARY)
    terms = [row["zh"] for row in rows]
    variants = [variant for row in rows for variant in row["forbidden"].split()]
    assert len(terms) > 50
    assert all(row["en"] and row["zh"] for row in rows)
    assert len({row["en"] for row in rows}) == len(rows)
    assert len(set(variants)) == len(variants)
    assert [(variant, term) for variant in variants for term in terms if variant in term] == []


@pytest.mark.parametrize("path", sorted(BOOK.glob("*/*.ipynb")), ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_each_chapter_is_written_as_run_writes_it(path):
    notebook = read(path)
    nbformat.validate(notebook)
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    assert "version" not in notebook.metadata.language_info
    assert path.read_text("utf-8") == nbformat.writes(notebook) + "\n"
