"""How Sphinx makes the site; tools/pages.py writes the sources and calls it once a language."""

import re
from collections.abc import Iterator
from typing import Any

from docutils import nodes
from latex2mathml.converter import convert
from pygments.lexer import Lexer
from pygments.lexers import CLexer, PythonLexer
from pygments.token import Comment
from sphinx.application import Sphinx
from sphinx.search import SearchLanguage, languages

extensions = ["myst_nb"]
project = "cmpx"
nb_execution_mode = "off"
nb_render_image_options = {"loading": "lazy"}
myst_enable_extensions = ["dollarmath"]
myst_all_links_external = True  # tools/pages.py has turned them into links of the site
html_theme = "furo"
html_title = "cmpx"
html_static_path = ["static"]
html_css_files = ["site.css"]
templates_path = ["templates"]
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False
html_use_index = False
html_show_search_summary = False  # the browser may not fetch the pages of a folder
html_math_renderer = "mathml"
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"


class _Cell(Lexer):
    """Python, or a listing: C under a line that names it."""

    name = "cmpx"

    def get_tokens_unprocessed(self, text: str) -> Iterator[tuple[int, Any, str]]:
        magic = re.match(r"%%listing.*\n?", text)
        if not magic:
            yield from PythonLexer().get_tokens_unprocessed(text)
            return
        yield 0, Comment.Preproc, magic[0]
        for place, kind, part in CLexer().get_tokens_unprocessed(text[magic.end() :]):
            yield magic.end() + place, kind, part


_HAN = "\u4e00-\u9fff"


class _Chinese(SearchLanguage):
    """Han text is found by its pairs of characters: no dictionary has the book's terms, and the pages must know them too."""

    lang = "zh"
    language_name = "Chinese"
    js_splitter_code = r"""
function splitQuery(query) {
  return query.match(/[HAN]+|(?:(?![HAN])[\p{L}\p{N}_])+/gu)?.flatMap((run) =>
    /^[HAN]{2}/.test(run) ? Array.from({ length: run.length - 1 }, (_, at) => run.slice(at, at + 2)) : [run]) ?? [];
}
""".replace("HAN", _HAN)

    def split(self, text: str) -> list[str]:
        words = []
        for run in re.findall(rf"[{_HAN}]+|[^\W{_HAN}]+", text):
            pairs = [run[at : at + 2] for at in range(len(run) - 1)]
            words += pairs if pairs and re.match(f"[{_HAN}]", run) else [run]
        return words

    def word_filter(self, word: str) -> bool:
        return len(word) > 1


# What Sphinx's own catalogue lacks of the theme's words.
_WORDS = {
    "Back to top": "回到开头",
    "Contents": "目录",
    "Home": "首页",
    "Next": "下一章",
    "On this page": "本页内容",
    "Previous": "上一章",
    "Skip to content": "跳到正文",
}


def _translate(app: Sphinx) -> None:
    if app.config.language == "zh_CN":
        names = app.builder.templates.environment.globals
        known = names["gettext"]
        names["gettext"] = lambda text: _WORDS.get(text) or known(text)


def _math(display: str) -> Any:
    def visit(writer: Any, node: nodes.Element) -> None:
        writer.body.append(convert(node.astext(), display=display))
        raise nodes.SkipNode

    return visit, None


def setup(app: Sphinx) -> None:
    """What Sphinx lacks: cells of two languages as code, formulas without a script, and search for Han text."""
    languages["zh"] = _Chinese
    app.connect("builder-inited", _translate)
    app.add_lexer("cmpx", _Cell)
    app.add_html_math_renderer("mathml", _math("inline"), _math("block"))
