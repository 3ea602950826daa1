"""The opening question of a chapter: the reader commits to an answer, then hears what speaks for it and against it."""

from __future__ import annotations

import json
import tomllib
from base64 import b64encode
from dataclasses import dataclass
from importlib.resources import files
from itertools import cycle
from typing import Any

import traitlets

from cmpx.languages import _, language
from cmpx.progress import CONFIDENCES, commit, commitments, visit
from cmpx.widgets.front import Front, module, page, sheet, vocabulary

__all__ = ["Predict"]

_TEXTS = (
    "Predict",
    "Asked again",
    "Your answer",
    "How sure are you?",
    "guessing",
    "fairly sure",
    "certain",
    "Commit",
    "Your answer stands then, and you hear about it",
    "Choose an answer, and say how sure you are.",
    "Now say how sure you are.",
    "Now choose an answer.",
    "✓ Right: {letter}. You were {confidence}.",
    "✗ Not {letter}. You were {confidence}.",
    "What of the others?",
    "{letter}, the right one",
    "Answer again",
    "Forget this answer on the page; it stays in your record",
)

_BOTH = {"en", "zh"}
_CHOICES = range(3, 5)


@dataclass(frozen=True)
class _Question:
    """One question; each text in both languages."""

    text: dict[str, str]
    choices: list[dict[str, str]]
    replies: list[dict[str, str]]
    right: int


def _question(chapter: str, asked: str) -> _Question:
    """The question in a chapter's file; an error names the file and the key."""
    path = files("cmpx") / "predictions" / f"{chapter}.toml"

    def wrong(what: str) -> ValueError:
        return ValueError(f"cmpx/predictions/{chapter}.toml: {what}")

    def texts(place: str, table: dict[str, Any], key: str) -> dict[str, str]:
        said = table.get(key)
        if not isinstance(said, dict) or set(said) != _BOTH or not all(isinstance(t, str) and t for t in said.values()):
            raise wrong(_("{key} must be a text in en and zh").format(key=f"{place}.{key}"))
        return said

    try:
        book = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        there = sorted(file.name.removesuffix(".toml") for file in (files("cmpx") / "predictions").iterdir())
        message = _("there is no question of {chapter!r}; there are {names}")
        raise ValueError(message.format(chapter=chapter, names=", ".join(there))) from None
    except tomllib.TOMLDecodeError as error:
        raise wrong(str(error)) from None
    table = book.get(asked)
    if not isinstance(table, dict):
        raise wrong(_("there is no table {key}").format(key=asked))
    choices = table.get("choices")
    if not isinstance(choices, list) or len(choices) not in _CHOICES:
        raise wrong(_("{key} must be three or four tables").format(key=f"{asked}.choices"))
    for number, choice in enumerate(choices):
        if not set(choice) <= {"text", "reply", "right"} or choice.get("right", True) is not True:
            raise wrong(_("{key} takes text, reply and, if it is right, right = true").format(key=f"{asked}.choices[{number}]"))
    right = [number for number, choice in enumerate(choices) if "right" in choice]
    if len(right) != 1:
        raise wrong(_("one of {key} must be right, here it is {count}").format(key=f"{asked}.choices", count=len(right)))
    said, replies = (
        [texts(f"{asked}.choices[{n}]", choice, key) for n, choice in enumerate(choices)] for key in ("text", "reply")
    )
    return _Question(texts(asked, table, "question"), said, replies, right[0])


def _veiled(chapter: str, question: _Question) -> str:
    """Replies and answer as a text that tells nothing at a glance. It would not withstand anybody who wants to read it."""
    plain = json.dumps({"right": question.right, "replies": question.replies}, ensure_ascii=False).encode()
    return b64encode(bytes(a ^ b for a, b in zip(plain, cycle(chapter.encode()), strict=False))).decode()


class Predict(Front):
    """The question of a chapter, to be answered before reading on.

    What the reader commits to is kept on this machine (see `cmpx.progress`). The text of the widget has the question and its
    choices, never the answer.

    Parameters
    ----------
    chapter : str
        Name of a chapter, such as "03-cas-loop".
    again : bool
        Ask for the same idea in another setting, as is done two chapters later.
    size : {"normal", "projector"}
        Of the picture.
    """

    _esm = module("predict")
    _css = sheet()

    chapter = traitlets.Unicode().tag(sync=True)
    again = traitlets.Bool().tag(sync=True)
    question = traitlets.Dict().tag(sync=True)
    choices: traitlets.List[dict[str, str]] = traitlets.List().tag(sync=True)
    veiled = traitlets.Unicode().tag(sync=True)
    answer: traitlets.List[int] = traitlets.List(help="choice and confidence, by number, of the latest commitment").tag(
        sync=True
    )

    def __init__(self, chapter: str, *, again: bool = False, size: str = "normal") -> None:
        self._asked = "again" if again else "first"
        self._question = _question(chapter, self._asked)
        before = [each for each in commitments() if (each.chapter, each.asked) == (chapter, self._asked)]
        known = [
            [each.choice, CONFIDENCES.index(each.confidence)]
            for each in before
            if each.choice in range(len(self._question.choices)) and each.confidence in CONFIDENCES
        ]
        super().__init__(
            _TEXTS,
            size=size,
            chapter=chapter,
            again=again,
            question=self._question.text,
            choices=self._question.choices,
            veiled=_veiled(chapter, self._question),
            answer=known[-1] if known else [],
        )

    def _do_seen(self) -> None:
        """Only a front end says this: a chapter counts as run when its question stands before a reader, not in a test."""
        if not self.again:
            visit(self.chapter)

    def _do_commit(self, choice: int, confidence: int) -> None:
        self.answer = [choice, confidence]
        commit(self.chapter, self._asked, choice, CONFIDENCES[confidence], choice == self._question.right)

    def __repr__(self) -> str:
        heading = _("Asked again") if self.again else _("Predict")
        colon = {"en": ": ", "zh": "："}[language()]
        lines = [heading + colon + self._question.text[language()]]
        lines += [f"  {letter}. {choice[language()]}" for letter, choice in zip("ABCD", self._question.choices, strict=False)]
        return "\n".join(lines)

    def page(self) -> str:
        """The same as HTML that needs no kernel, for a page outside a notebook; it keeps nothing."""
        traits = {name: getattr(self, name) for name in ("chapter", "again", "question", "choices", "veiled", "size")}
        return page(repr(self), traits | {"answer": [], "language": language(), "texts": vocabulary(_TEXTS)}, "predict")
