"""The posted-interrupt descriptor in native memory, where the simulated IOMMU and the reader's cmpxchg meet."""

import operator
from collections.abc import Iterable
from typing import SupportsIndex

from cmpx import _words
from cmpx.fields import CONTROL, FIELDS, RESERVED, SIZE
from cmpx.languages import _, language
from cmpx.words import u32, u64

__all__ = ["PiDesc"]

_FIELDS = {field.name: field for field in FIELDS if field.first in CONTROL}
_PIR_BYTE = next(field.first for field in FIELDS if field.name == "pir") // 8


def _number(name: str, value: SupportsIndex, most: int, error: type[Exception] = OverflowError) -> int:
    """`value` as an int in 0..`most`, or an error that calls it `name`."""
    if isinstance(value, bool):
        raise TypeError(_("{name} is {value}; write {number}").format(name=name, value=value, number=int(value)))
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(_("{name} is {value!r}; give an integer").format(name=name, value=value)) from None
    if not 0 <= number <= most:
        raise error(_("{name} is {value}; give {least} to {most}").format(name=name, value=number, least=0, most=most))
    return number


def _get(control: int, name: str) -> int:
    field = _FIELDS[name]
    return control >> (field.first - CONTROL.start) & ((1 << field.width) - 1)


def _replace(control: int, name: str, value: SupportsIndex) -> int:
    field = _FIELDS[name]
    mask = (1 << field.width) - 1
    shift = field.first - CONTROL.start
    return control & ~(mask << shift) | _number(name, value, mask) << shift


def _property(name: str) -> property:
    field = _FIELDS[name]

    def get(self: "PiDesc") -> int:
        return _get(self.control.value, name)

    def refuse(self: "PiDesc", value: object) -> None:
        message = _(
            "{name} shares a word that others write too; use cmpxchg64(pi.control, old, pi.control_with({name}={value!r}))"
        )
        raise AttributeError(message.format(name=name, value=value))

    return property(get, refuse, doc=f"{field.en}. Read from control in one load.")


class PiDesc:
    """A posted-interrupt descriptor: 64 bytes, aligned to 64, laid out as ``struct pi_desc``.

    Parameters
    ----------
    nv : int
        Notification vector, 0 to 255.
    ndst : int
        Notification destination, 0 to 2**32 - 1.
    on, sn : int
        Outstanding Notification and Suppress Notification, 0 or 1.
    pir : iterable of int
        The vectors that are pending.
    """

    __slots__ = ("__weakref__", "_control", "_memory", "_pir")

    def __init__(
        self,
        *,
        nv: SupportsIndex = 0xF2,
        ndst: SupportsIndex = 0,
        on: SupportsIndex = 0,
        sn: SupportsIndex = 0,
        pir: Iterable[SupportsIndex] = (),
    ) -> None:
        self._memory = _words.block(SIZE)
        self._control = u64.over(self._memory, CONTROL.start // 8)
        self._pir = tuple(u32.over(self._memory, _PIR_BYTE + 4 * i) for i in range(8))
        self._control.value = self.control_with(nv=nv, ndst=ndst, on=on, sn=sn)
        for vector in pir:
            number = _number("vector", vector, 255, ValueError)
            self._pir[number // 32].value |= 1 << number % 32

    @property
    def memory(self) -> "_words.Block":
        """The 64 bytes, as a writable buffer."""
        return self._memory

    @property
    def control(self) -> u64:
        """The word that holds ON, SN, NV and NDST."""
        return self._control

    @control.setter
    def control(self, value: object) -> None:
        message = _("control is a word; use cmpxchg64(pi.control, old, {value!r}), or pi.control.value = {value!r}")
        raise AttributeError(message.format(value=value))

    on = _property("on")
    sn = _property("sn")
    nv = _property("nv")
    ndst = _property("ndst")

    @property
    def pir(self) -> tuple[int, ...]:
        """The eight 32-bit words of the Posted Interrupt Requests."""
        return tuple(word.value for word in self._pir)

    @property
    def pending(self) -> tuple[int, ...]:
        """The vectors whose bit in PIR is set."""
        bits = sum(word << 32 * i for i, word in enumerate(self.pir))
        return tuple(vector for vector in range(256) if bits >> vector & 1)

    def control_with(
        self,
        *,
        on: SupportsIndex | None = None,
        sn: SupportsIndex | None = None,
        nv: SupportsIndex | None = None,
        ndst: SupportsIndex | None = None,
    ) -> int:
        """Control as it is now with these fields replaced: an int to hand to cmpxchg64."""
        control = self.control.value
        for name, value in {"on": on, "sn": sn, "nv": nv, "ndst": ndst}.items():
            if value is not None:
                control = _replace(control, name, value)
        return control

    def _next_post(self, control: int, pending: tuple[int, ...]) -> str:
        """What the next post will do, in words."""
        if _get(control, "on"):
            return _("a notification is outstanding: the next post sets its PIR bit and coalesces")
        if _get(control, "sn"):
            return _("notifications are suppressed: the next post sets its PIR bit, and notifies if it is urgent")
        if pending:
            text = _("pending, and ON is 0: the next post sets ON and notifies CPU {ndst} with vector {nv:#x}")
        else:
            text = _("the next post sets ON and notifies CPU {ndst} with vector {nv:#x}")
        return text.format(ndst=_get(control, "ndst"), nv=_get(control, "nv"))

    def __repr__(self) -> str:
        control, pending = self.control.value, self.pending
        nv, ndst, on, sn = (_get(control, name) for name in ("nv", "ndst", "on", "sn"))
        return f"PiDesc(nv={nv:#x}, ndst={ndst}, on={on}, sn={sn}, pir={pending})\n  {self._next_post(control, pending)}"

    def _repr_html_(self) -> str:
        control, pending = self.control.value, self.pending
        names, bits, ranges = [], [], []
        cell = "padding:1px 6px;text-align:center;border:1px solid var(--jp-border-color1,#888)"
        for field in reversed(_FIELDS.values()):
            value = _get(control, field.name)
            number = f"{value:#x}" if field.name == "nv" else value
            name = _("reserved") if field.colour == RESERVED else f"{field.name.upper()} {number}"
            meaning = field.zh if language() == "zh" else field.en
            span = f"{field.last}" if field.width == 1 else f"{field.last}:{field.first}"
            names.append(f'<th style="{cell};background:{field.colour};color:{field.ink}" title="{meaning}">{name}</th>')
            bits.append(f'<td style="{cell};font-family:monospace">{value:0{field.width}b}</td>')
            ranges.append(f'<td style="{cell};border-style:none;font-size:smaller">{span}</td>')
        rows = "".join(f"<tr>{''.join(row)}</tr>" for row in (names, bits, ranges))
        table = f'<table style="border-collapse:collapse;color:var(--jp-content-font-color1,inherit)">{rows}</table>'
        vectors = ", ".join(map(str, pending))
        posted = _("pending in PIR: {vectors}").format(vectors=vectors) if pending else _("nothing pending in PIR")
        return f"{table}<div>{posted}<br>{self._next_post(control, pending)}</div>"
