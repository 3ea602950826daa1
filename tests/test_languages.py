"""The reader's language: how it is found, followed and held complete."""

import ast
import gc
import os
import re
import string
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from babel.messages.pofile import read_po

from cmpx import languages
from cmpx.fields import FIELDS
from cmpx.languages import _, catalogue, language, on_change

ROOT = Path(__file__).parent.parent
PO = ROOT / "cmpx/locale/zh/LC_MESSAGES/cmpx.po"
LOCALE = ("CMPX_LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")
HAN = r"[\u3400-\u9fff]"


@pytest.fixture(autouse=True)
def _english():
    before = language()
    language("en")
    yield
    language(before)


def entries():
    with PO.open("rb") as po:
        return {message.id: message.string for message in read_po(po) if message.id}


def used():
    """Every English sentence of the package: arguments of _() and catalogue(), and the tuples named _TEXTS."""
    found = {}
    for path in sorted((ROOT / "cmpx").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("_", "catalogue"):
                texts = node.args
            elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "_TEXTS":
                texts = list(ast.walk(node.value))
            else:
                continue
            for text in texts:
                if isinstance(text, ast.Constant) and isinstance(text.value, str):
                    found.setdefault(text.value, f"{path.relative_to(ROOT)}:{text.lineno}")
    return found


def placeholders(text):
    return sorted((name, spec, conversion) for _, name, spec, conversion in string.Formatter().parse(text) if name is not None)


class TestChoice:
    @pytest.mark.parametrize(
        ("folder", "environment", "expected"),
        [
            ("book", {}, "en"),
            ("book", {"LANG": "zh_CN.UTF-8"}, "zh"),
            ("book", {"LANG": "zh_CN.UTF-8", "LC_ALL": "C.UTF-8"}, "en"),
            ("book", {"LANG": "C", "LC_MESSAGES": "zh_TW.UTF-8"}, "zh"),
            ("book", {"LANG": "zh_CN.UTF-8", "LC_ALL": ""}, "zh"),
            ("book/en", {"LANG": "zh_CN.UTF-8"}, "en"),
            ("book/zh/assignments/week1", {"LANG": "en_GB.UTF-8"}, "zh"),
            ("en/book/zh", {}, "zh"),
            ("zh/book/en/x", {}, "en"),
            ("zh-old", {}, "en"),
        ],
    )
    def test_surroundings(self, tmp_path, monkeypatch, folder, environment, expected):
        for name in LOCALE:
            monkeypatch.delenv(name, raising=False)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        (tmp_path / folder).mkdir(parents=True)
        monkeypatch.chdir(tmp_path / folder)
        assert languages._surroundings() == expected

    @pytest.mark.parametrize(("chosen", "expected"), [("en", "en"), ("", "zh")])
    def test_the_environment_variable_beats_the_folder(self, tmp_path, chosen, expected):
        (tmp_path / "zh").mkdir()
        code = "from cmpx import language; print(language())"
        env = os.environ | {"CMPX_LANGUAGE": chosen, "PYTHONPATH": str(ROOT)}
        run = subprocess.run([sys.executable, "-c", code], cwd=tmp_path / "zh", env=env, capture_output=True, text=True)
        assert run.stdout.split() == [expected], run.stderr

    def test_a_wrong_environment_variable_says_what_to_choose(self, tmp_path):
        env = os.environ | {"CMPX_LANGUAGE": "fr", "LC_ALL": "C", "PYTHONPATH": str(ROOT)}
        run = subprocess.run([sys.executable, "-c", "import cmpx"], cwd=tmp_path, env=env, capture_output=True, text=True)
        assert "ValueError: there is no language 'fr'; choose 'en' or 'zh'" in run.stderr

    def test_an_unknown_name_changes_nothing(self):
        language("zh")
        with pytest.raises(ValueError, match="没有 'fr' 这种语言"):
            language("fr")
        assert language() == "zh"

    @pytest.mark.parametrize("folder", ["en", "zh"])
    def test_a_notebook_speaks_the_language_of_its_folder(self, tmp_path, folder):
        """Strict nbval compares the outputs, and starts the kernel where JupyterLab does: beside the notebook."""
        cell = nbformat.v4.new_code_cell("from cmpx import language\nlanguage()", execution_count=1)
        cell.outputs = [nbformat.v4.new_output("execute_result", {"text/plain": repr(folder)}, execution_count=1)]
        (tmp_path / folder).mkdir()
        nbformat.write(nbformat.v4.new_notebook(cells=[cell]), tmp_path / folder / "page.ipynb")
        env = {name: value for name, value in os.environ.items() if name not in LOCALE} | {"PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-m", "pytest", "-q", "--nbval", "--nbval-current-env", "-p", "no:cacheprovider", "."]
        run = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True)
        assert run.returncode == 0, run.stdout


class TestFollowing:
    def test_methods_and_functions_hear_each_choice(self):
        heard = []

        class Widget:
            def follow(self, name):
                heard.append(("widget", name))

        def function(name):
            heard.append(("function", name))

        widget = Widget()
        on_change(widget.follow)
        on_change(function)
        language("zh")
        language("en")
        assert heard == [("widget", "zh"), ("function", "zh"), ("widget", "en"), ("function", "en")]

    def test_it_keeps_nobody_alive(self):
        heard = []

        class Widget:
            def follow(self, name):
                heard.append(name)

        widget = Widget()
        on_change(widget.follow)
        before = len(languages._followers)
        del widget
        gc.collect()
        language("zh")
        assert not heard
        assert len(languages._followers) < before


class TestSentences:
    english = "there is no language {name!r}; choose 'en' or 'zh'"

    def test_translated_at_the_call(self):
        assert _(self.english) == self.english
        language("zh")
        assert _(self.english) == "没有 {name!r} 这种语言；请选 'en' 或 'zh'"

    def test_catalogue_has_both_whatever_the_language(self):
        assert catalogue("retries") == {"en": {"retries": "retries"}, "zh": {"retries": "重试次数"}}

    def test_every_sentence_has_a_chinese_entry(self):
        missing = {text: place for text, place in used().items() if not entries().get(text)}
        assert not missing, f"append these to {PO.relative_to(ROOT)}"

    def test_no_entry_is_stale(self):
        stale = sorted(set(entries()) - set(used()))
        assert not stale, f"remove these from {PO.relative_to(ROOT)}"

    def test_no_entry_stands_twice(self):
        with PO.open(encoding="utf-8") as po:
            blocks = [block for block in po.read().split("\n\n") if "msgid" in block]
        assert len(blocks) - 1 == len(entries())

    def test_placeholders_agree(self):
        wrong = {text: chinese for text, chinese in entries().items() if placeholders(text) != placeholders(chinese)}
        assert not wrong

    def test_the_compiled_catalogue_is_up_to_date(self):
        stale = {text for text, chinese in entries().items() if catalogue(text)["zh"][text] != chinese}
        assert not stale, "run: python setup.py build_ext --inplace"

    @pytest.mark.parametrize(
        ("fault", "what"),
        [
            (rf"{HAN}[,:;!?()]|[,;!?()]{HAN}", "punctuation beside Chinese is full-width"),
            (rf"{HAN}[A-Za-z0-9{{]|[A-Za-z0-9}}]{HAN}", "a space stands between Chinese and Latin"),
            (r"[\uff00-\uffef\u3000-\u303f] | [\uff00-\uffef\u3000-\u303f]", "no space beside full-width punctuation"),
        ],
    )
    def test_typography(self, fault, what):
        chinese = [*entries().values(), *(text for field in FIELDS for text in (field.zh, field.writer_zh))]
        assert not [text for text in chinese if re.search(fault, text)], what

    @pytest.mark.parametrize(
        ("text", "expected"),
        [("{a} of {b:,}", [("a", "", None), ("b", ",", None)]), ("{v!r}", [("v", "", "r")]), ("plain", [])],
    )
    def test_the_lint_sees_placeholders(self, text, expected):
        assert placeholders(text) == expected
