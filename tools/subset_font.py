"""Rebuild cmpx/fonts/cmpx-cjk.otf: Noto Sans CJK SC cut down to the characters that plots show.

Usage: python tools/subset_font.py [NotoSansCJK-Regular.ttc]
The default is where Debian's fonts-noto-cjk puts it.
"""

import string
import sys
from pathlib import Path

from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po
from fontTools.subset import Options, Subsetter  # type: ignore[import-untyped]
from fontTools.ttLib import TTCollection  # type: ignore[import-untyped]

ROOT = Path(__file__).resolve().parent.parent
SOURCE = Path("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc")
CATALOGUE = ROOT / "cmpx/locale/zh/LC_MESSAGES/cmpx.po"
PLOTTING = ROOT / "cmpx/plotting.py"
TARGET = ROOT / "cmpx/fonts/cmpx-cjk.otf"
FAMILY = "cmpx CJK"
PUNCTUATION = "\uff0c\u3002\u3001\uff1a\uff1b\uff01\uff1f\uff08\uff09《》「」『』【】“”‘’…—–·→←↑↓×÷±≈≤≥≠−µ°²³✓"


def characters() -> set[str]:
    """All that a plot may show: ASCII, punctuation, and the sentences of plotting.py in both languages."""
    with CATALOGUE.open("rb") as po:
        chinese = {message.id: str(message.string) for message in read_po(po)}
    english = [str(message) for _line, message, *_rest in extract_from_file("python", PLOTTING)]
    text = "".join([string.printable, PUNCTUATION, *english, *(chinese.get(message, "") for message in english)])
    return {c for c in text if c.isprintable()}


def subset(source: Path, target: Path) -> None:
    """Write the subset; the same input gives the same bytes."""
    font = next(font for font in TTCollection(source) if font["name"].getDebugName(1) == "Noto Sans CJK SC")
    font.recalcTimestamp = False
    if absent := characters() - set(map(chr, font.getBestCmap())):
        raise SystemExit(f"{source} has no glyph for {' '.join(sorted(absent))}; write it another way")
    options = Options(layout_features=["ccmp", "kern", "mark"], name_IDs=[0, 1, 2, 3, 4, 5, 6, 13, 14], hinting=False)
    options.drop_tables += ["vhea", "vmtx", "VORG", "BASE"]
    subsetter = Subsetter(options)
    subsetter.populate(text="".join(sorted(characters())))
    subsetter.subset(font)
    renamed = {1: FAMILY, 3: f"{FAMILY} Regular", 4: FAMILY, 6: FAMILY.replace(" ", "")}
    for record in font["name"].names:
        record.string = renamed.get(record.nameID, record.toUnicode())
    font["CFF "].cff.fontNames = [renamed[6]]
    top = font["CFF "].cff.topDictIndex[0]
    top.FullName = top.FamilyName = FAMILY
    font.save(target)


if __name__ == "__main__":
    subset(Path(sys.argv[1]) if sys.argv[1:] else SOURCE, TARGET)
    print(f"{TARGET.relative_to(ROOT)}: {len(characters())} characters, {TARGET.stat().st_size // 1024} KiB")
