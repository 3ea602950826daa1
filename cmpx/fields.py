"""The one table of the fields of ``struct pi_desc``.

The Python properties, the generated C header and the colours of widgets and plots all come from here. ``setup.py`` loads
this file by its path, so it imports nothing of cmpx.
"""

from dataclasses import dataclass

__all__ = ["CONTROL", "FIELDS", "RESERVED", "SIZE", "THREADS", "Field", "c_header"]


@dataclass(frozen=True)
class Field:
    """One field of the descriptor; bits are counted from its start, as the SDM does.

    Parameters
    ----------
    name : str
        The kernel's name.
    first, last : int
        Its lowest and highest bit, both included.
    en, zh : str
        What it means.
    writer_en, writer_zh : str
        Who writes it.
    colour : str
        Okabe–Ito; the same in every picture.
    """

    name: str
    first: int
    last: int
    en: str
    zh: str
    writer_en: str
    writer_zh: str
    colour: str

    @property
    def width(self) -> int:
        """Number of bits."""
        return self.last - self.first + 1

    @property
    def ink(self) -> str:
        """Black or white, whichever reads better on the colour (WCAG contrast)."""
        red, green, blue = (int(self.colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
        luminance = 0.2126 * red**2.2 + 0.7152 * green**2.2 + 0.0722 * blue**2.2
        return "#000" if (luminance + 0.05) ** 2 > 0.05 * 1.05 else "#fff"


RESERVED = "#999999"

FIELDS: tuple[Field, ...] = (
    Field("pir", 0, 255,
          "Posted Interrupt Requests: one bit a vector", "登记的中断请求：每个向量一位",
          "IOMMU and other CPUs set bits; the vCPU's CPU takes them", "IOMMU 和其他 CPU 置位；运行 vCPU 的 CPU 取走",
          "#56B4E9"),
    Field("on", 256, 256,
          "Outstanding Notification: a notification is on its way", "通知未决：通知已发出，还没有处理",
          "IOMMU and other CPUs set it; the vCPU's CPU clears it", "IOMMU 和其他 CPU 置 1；运行 vCPU 的 CPU 清 0",
          "#D55E00"),
    Field("sn", 257, 257,
          "Suppress Notification: record posts, send nothing", "抑制通知：只登记，不发通知",
          "KVM", "KVM",
          "#CC79A7"),
    Field("rsvd_1", 258, 271, "reserved", "保留", "nobody", "无", RESERVED),
    Field("nv", 272, 279,
          "Notification Vector: which interrupt the notification is", "通知向量：通知用哪个中断向量",
          "KVM", "KVM",
          "#009E73"),
    Field("rsvd_2", 280, 287, "reserved", "保留", "nobody", "无", RESERVED),
    Field("ndst", 288, 319,
          "Notification Destination: which physical CPU is told", "通知目标：通知哪个物理 CPU",
          "KVM", "KVM",
          "#0072B2"),
    Field("rsvd", 320, 511, "reserved", "保留", "nobody", "无", RESERVED),
)  # fmt: skip

CONTROL = range(256, 320)
"""The bits of the 64-bit word that the CPU updates by cmpxchg."""

SIZE = 64
"""Bytes of the descriptor, and its alignment."""

THREADS = {"vCPU": "#E69F00", "poster": "#F0E442"}
"""Colours of the racing threads: the vCPU, and whoever posts."""


def c_header() -> str:
    """The table in C: bit numbers, shifts and masks within ``control``, and asserts on ``struct pi_desc``."""
    lines = [
        "/* Generated from cmpx/fields.py by setup.py; change it there. */",
        "#ifndef GENERATED_PI_DESC_FIELDS_H",
        "#define GENERATED_PI_DESC_FIELDS_H",
        "",
        "#include <stddef.h>",
        "#include <asm/posted_intr.h>",
        "",
    ]
    asserts = [f"sizeof(struct pi_desc) == {SIZE}", f"_Alignof(struct pi_desc) == {SIZE}"]
    asserts.append(f"offsetof(struct pi_desc, control) == {CONTROL.start // 8}")
    for field in FIELDS:
        if field.colour == RESERVED:
            continue
        name = f"PI_{field.name.upper()}"
        lines.append(f"#define {name}_BIT {field.first}")
        if field.first in CONTROL:
            lines.append(f"#define {name}_SHIFT {field.first - CONTROL.start}")
            lines.append(f"#define {name}_MASK (0x{(1 << field.width) - 1:x}ULL << {name}_SHIFT)")
        if field.width % 8 == 0:
            asserts.append(f"offsetof(struct pi_desc, {field.name}) == {field.first // 8}")
            asserts.append(f"sizeof(((struct pi_desc *)0)->{field.name}) == {field.width // 8}")
    lines.append("")
    lines += [f'_Static_assert({test}, "struct pi_desc is not laid out as cmpx/fields.py says");' for test in asserts]
    lines += ["", "#endif", ""]
    return "\n".join(lines)
