"""The reader's language: Chinese or English, and the catalogue of sentences in both.

The English sentence is the key; ``locale/zh/LC_MESSAGES/cmpx.po`` holds the Chinese one.
"""

import gettext
import inspect
import os
import weakref
from collections.abc import Callable
from functools import cache
from pathlib import Path

__all__ = ["_", "both", "catalogue", "language", "on_change"]

_LANGUAGES = ("en", "zh")
_followers: list[Callable[[], Callable[[str], object] | None]] = []


def _surroundings() -> str:
    """The nearest folder named en or zh, from the working directory upwards; else what the locale says."""
    here = Path.cwd()
    for folder in (here, *here.parents):
        if folder.name in _LANGUAGES:
            return folder.name
    locale = next(filter(None, map(os.environ.get, ("LC_ALL", "LC_MESSAGES", "LANG"))), "")
    return "zh" if locale.startswith("zh") else "en"


def language(name: str | None = None) -> str:
    """Choose the language of messages, plots and widgets, or ask which one it is.

    Without a choice it is ``$CMPX_LANGUAGE``, else the nearest parent folder of the working directory named en or zh, else
    the locale.

    Parameters
    ----------
    name : {"en", "zh"}, optional
        The language from now on; live widgets follow.

    Returns
    -------
    str
        The language in use.
    """
    global _current
    if name is not None:
        if name not in _LANGUAGES:
            raise ValueError(_("there is no language {name!r}; choose 'en' or 'zh'").format(name=name))
        _current = name
        for reference in _followers[:]:
            callback = reference()
            if callback is None:
                _followers.remove(reference)
            else:
                callback(name)
    return _current


@cache
def _chinese() -> gettext.NullTranslations:
    return gettext.translation("cmpx", Path(__file__).parent / "locale", languages=["zh"])


def _(english: str) -> str:
    """The sentence in the reader's language, looked up now: never call it at import time."""
    return english if _current == "en" else _chinese().gettext(english)


def catalogue(*english: str) -> dict[str, dict[str, str]]:
    """These sentences in both languages, keyed by the English one: a widget switches without asking Python."""
    return {"en": {text: text for text in english}, "zh": {text: _chinese().gettext(text) for text in english}}


def both(say: Callable[[], str]) -> dict[str, str]:
    """What `say` says in each language, without a change that followers would see."""
    global _current
    chosen, said = _current, {}
    try:
        for _current in _LANGUAGES:
            said[_current] = say()
    finally:
        _current = chosen
    return said


def on_change(callback: Callable[[str], object]) -> None:
    """Call `callback` with the new language at each choice, as long as something else keeps it alive."""
    _followers.append(weakref.WeakMethod(callback) if inspect.ismethod(callback) else weakref.ref(callback))


_current = _surroundings()
if os.environ.get("CMPX_LANGUAGE"):
    language(os.environ["CMPX_LANGUAGE"])
