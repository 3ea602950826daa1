"""What both widgets share: two languages, two sizes, a text twin, and messages that do not disturb a running cell."""

import json
import secrets
import threading
from html import escape
from importlib.resources import files
from typing import Any

import anywidget
import traitlets

from cmpx.fields import CONTROL, FIELDS, THREADS
from cmpx.languages import _, catalogue, language, on_change

__all__ = ["Front", "module", "page", "sheet", "vocabulary"]

_FOLDER = files("cmpx.widgets")
_SIZES = ("normal", "projector")

# What the frame around each widget says.
_TEXTS = (
    "The Jupyter kernel does not answer. If it was restarted, run this cell again.",
    "Projector",
    "Larger, for a projector",
)


def module(*parts: str) -> str:
    """The text of a widget's ES module: the part that all share, then these."""
    return "\n".join((_FOLDER / f"{part}.js").read_text("utf-8") for part in ("common", *parts))


def sheet() -> str:
    """The style sheet of all widgets."""
    return (_FOLDER / "widgets.css").read_text("utf-8")


def vocabulary(texts: tuple[str, ...]) -> dict[str, dict[str, str]]:
    """These sentences and those of the frame, in both languages."""
    return catalogue(*_TEXTS, *texts)


def page(twin: str, data: dict[str, Any], *parts: str) -> str:
    """A widget as HTML that needs no kernel: it draws itself, and until then, or without a script, it is its text.

    Parameters
    ----------
    twin : str
        The text.
    data : dict
        What its ``mount`` takes.
    *parts : str
        Of its module.
    """
    # "</script" must not end the script that it stands in
    carried = json.dumps(data, separators=(",", ":"), ensure_ascii=False).replace("<", "\\u003c")
    place = secrets.token_hex(8)
    find = f"document.querySelectorAll(\"[data-cmpx='{place}']:not(:has(.cmpx))\")"
    return (
        f'<div data-cmpx="{place}"><pre>{escape(twin)}</pre></div>\n<style>{sheet()}</style>\n'
        f'<script type="module">\n{module(*parts).replace("export default", "const widget =")}\n'
        f"for (const place of {find}) mount(place, {carried});\n</script>"
    )


class Front(anywidget.AnyWidget):
    """A widget that follows the reader's language and obeys its own front end.

    The front end sends ``{"do": name, ...}``; the method ``_do_name`` answers it. Nothing is synchronised from the front end,
    so a thread may set traits while such a message is handled.
    """

    texts = traitlets.Dict().tag(sync=True)
    fields: traitlets.List[dict[str, Any]] = traitlets.List().tag(sync=True)
    colours = traitlets.Dict(THREADS).tag(sync=True)
    language = traitlets.Unicode().tag(sync=True)
    size = traitlets.Unicode("normal").tag(sync=True)

    def __init__(self, texts: tuple[str, ...], **traits: Any) -> None:
        self._lock = threading.RLock()
        super().__init__(
            texts=vocabulary(texts),
            fields=[
                {
                    "name": field.name,
                    "first": field.first,
                    "last": field.last,
                    "control": field.first in CONTROL,
                    "colour": field.colour,
                    "meaning": {"en": field.en, "zh": field.zh},
                    "writer": {"en": field.writer_en, "zh": field.writer_zh},
                }
                for field in FIELDS
            ],
            language=language(),
            **traits,
        )
        # The usual way fires IPython's post_execute at each message, which would flush the half-drawn figure of a busy cell.
        self.comm.handle_msg = self._handle_msg
        # The usual way also hands a message to the loop that last spoke here: a busy cell's loop would sit on the heartbeats.
        self.comm._reply_subshell_for = lambda _message, subshell: subshell
        self.on_msg(self._obey)
        on_change(self._follow)

    def _follow(self, name: str) -> None:
        self.language = name

    def _obey(self, _widget: object, message: dict[str, Any], _buffers: object) -> None:
        arguments = dict(message)
        with self._lock:
            getattr(self, f"_do_{arguments.pop('do')}")(**arguments)

    def _do_beat(self) -> None:
        """Somebody is looking; an answer proves that the kernel lives."""
        self.send({"alive": True})

    def _do_set(self, name: str, value: Any) -> None:
        setattr(self, name, value)

    @traitlets.validate("size")
    def _check_size(self, proposal: dict[str, Any]) -> str:
        size: str = proposal["value"]
        if size not in _SIZES:
            raise ValueError(_("there is no size {size!r}; choose 'normal' or 'projector'").format(size=size))
        return size

    @traitlets.validate("language")
    def _check_language(self, proposal: dict[str, Any]) -> str:
        name: str = proposal["value"]
        if name not in self.texts:
            raise ValueError(_("there is no language {name!r}; choose 'en' or 'zh'").format(name=name))
        return name
