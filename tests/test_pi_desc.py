"""The field table, the header made of it, and PiDesc."""

import ctypes
import gc
import html
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmpx import PiDesc, cmpxchg64, language, u64
from cmpx.fields import CONTROL, FIELDS, RESERVED, SIZE, c_header

ROOT = Path(__file__).parent.parent
GENERATED = ROOT / "csrc/include/generated/pi_desc_fields.h"

bits = st.integers(0, 1)
bytes_ = st.integers(0, 255)
words = st.integers(0, 2**32 - 1)


@pytest.fixture(autouse=True)
def _english():
    before = language()
    language("en")
    yield
    language(before)


class Layout(ctypes.LittleEndianStructure):
    """What the C compiler makes of struct pi_desc."""

    _fields_ = (
        ("pir", ctypes.c_uint32 * 8),
        ("on", ctypes.c_uint16, 1),
        ("sn", ctypes.c_uint16, 1),
        ("rsvd_1", ctypes.c_uint16, 14),
        ("nv", ctypes.c_uint8),
        ("rsvd_2", ctypes.c_uint8),
        ("ndst", ctypes.c_uint32),
        ("rsvd", ctypes.c_uint32 * 6),
    )


class TestFields:
    def test_they_tile_the_descriptor(self):
        assert FIELDS[0].first == 0
        assert FIELDS[-1].last == SIZE * 8 - 1
        assert all(lower.last + 1 == upper.first for lower, upper in pairwise(FIELDS))

    def test_bits_as_in_the_manual(self):
        numbers = {field.name: (field.first, field.last) for field in FIELDS if field.colour != RESERVED}
        assert numbers == {"pir": (0, 255), "on": (256, 256), "sn": (257, 257), "nv": (272, 279), "ndst": (288, 319)}

    def test_each_field_has_its_own_colour(self):
        colours = [field.colour for field in FIELDS if field.colour != RESERVED]
        assert len(set(colours)) == len(colours)

    def test_ink_reads_on_every_colour(self):
        def luminance(colour):
            channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
            linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
            return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

        for field in FIELDS:
            dark, light = sorted((luminance(field.colour), luminance("#000000" if field.ink == "#000" else "#ffffff")))
            assert (light + 0.05) / (dark + 0.05) >= 4.5, field.name


class TestHeader:
    def test_the_build_wrote_this_table(self):
        assert GENERATED.read_text() == c_header(), "run: python setup.py build_ext --inplace"

    def compile(self, tmp_path, header, main="int main(void) { return 0; }"):
        (tmp_path / "generated").mkdir()
        (tmp_path / "generated/pi_desc_fields.h").write_text(header)
        (tmp_path / "x.c").write_text(
            f"#include <stdio.h>\n#include <string.h>\n#include <generated/pi_desc_fields.h>\n{main}\n"
        )
        include = ["-I", str(tmp_path), "-I", str(ROOT / "csrc/include")]
        command = ["cc", "-std=gnu11", "-Wall", "-Werror", *include, "-o", str(tmp_path / "x"), str(tmp_path / "x.c")]
        return subprocess.run(command, capture_output=True, text=True)

    def test_masks_select_the_bitfields(self, tmp_path):
        main = """
        int main(void)
        {
            struct pi_desc d;
            memset(&d, 0, sizeof(d)); d.on = 1; if (d.control != PI_ON_MASK) return 1;
            memset(&d, 0, sizeof(d)); d.sn = 1; if (d.control != PI_SN_MASK) return 2;
            memset(&d, 0, sizeof(d)); d.nv = 0xff; if (d.control != PI_NV_MASK) return 3;
            memset(&d, 0, sizeof(d)); d.ndst = 0xffffffff; if (d.control != PI_NDST_MASK) return 4;
            d.control = 0x12ULL << PI_NV_SHIFT | 0x345ULL << PI_NDST_SHIFT; if (d.nv != 0x12 || d.ndst != 0x345) return 5;
            return PI_PIR_BIT + PI_ON_BIT + PI_SN_BIT + PI_NV_BIT + PI_NDST_BIT != 0 + 256 + 257 + 272 + 288;
        }"""
        assert self.compile(tmp_path, c_header(), main).stderr == ""
        assert subprocess.run([tmp_path / "x"]).returncode == 0

    @pytest.mark.parametrize(
        ("right", "wrong"),
        [("control) == 32", "control) == 40"), ("nv) == 34", "nv) == 35"), ("ndst) == 36", "ndst) == 37"), ("== 64", "== 65")],
    )
    def test_a_struct_that_disagrees_does_not_build(self, tmp_path, right, wrong):
        assert right in c_header()
        run = self.compile(tmp_path, c_header().replace(right, wrong, 1))
        assert "not laid out as cmpx/fields.py says" in run.stderr


class TestReading:
    @given(nv=bytes_, ndst=words, on=bits, sn=bits, pir=st.lists(bytes_))
    def test_against_a_c_struct(self, nv, ndst, on, sn, pir):
        pi = PiDesc(nv=nv, ndst=ndst, on=on, sn=sn, pir=pir)
        layout = Layout.from_buffer(pi.memory)
        assert (layout.nv, layout.ndst, layout.on, layout.sn) == (nv, ndst, on, sn) == (pi.nv, pi.ndst, pi.on, pi.sn)
        assert tuple(layout.pir) == pi.pir
        assert pi.pending == tuple(sorted(set(pir)))
        assert (layout.rsvd_1, layout.rsvd_2, list(layout.rsvd)) == (0, 0, [0] * 6)
        assert pi.control.value == int.from_bytes(bytes(memoryview(pi.memory))[32:40], "little")

    def test_it_is_one_cache_line(self):
        for pi in [PiDesc() for _ in range(20)]:
            view = memoryview(pi.memory)
            assert view.nbytes == SIZE
            assert np.frombuffer(view, np.uint8).ctypes.data % SIZE == 0

    def test_defaults(self):
        pi = PiDesc()
        assert (pi.nv, pi.ndst, pi.on, pi.sn, pi.pir, pi.pending) == (0xF2, 0, 0, 0, (0,) * 8, ())

    def test_it_reads_what_others_write(self):
        pi = PiDesc()
        memoryview(pi.memory)[32] = 3
        assert (pi.on, pi.sn) == (1, 1)

    def test_the_word_keeps_the_memory(self):
        pi = PiDesc(nv=0x42)
        control = pi.control
        del pi
        gc.collect()
        assert control.value == 0x42 << 16


class TestChanging:
    @given(
        before=st.integers(0, 2**64 - 1),
        on=st.none() | bits,
        sn=st.none() | bits,
        nv=st.none() | bytes_,
        ndst=st.none() | words,
    )
    def test_control_with_replaces_only_these(self, before, on, sn, nv, ndst):
        pi = PiDesc()
        pi.control.value = before
        new = pi.control_with(on=on, sn=sn, nv=nv, ndst=ndst)
        assert pi.control.value == before
        expected = before
        for value, first, width in ((on, 0, 1), (sn, 1, 1), (nv, 16, 8), (ndst, 32, 32)):
            if value is not None:
                expected = expected & ~(((1 << width) - 1) << first) | value << first
        assert new == expected

    def test_by_cmpxchg_on_the_word(self):
        pi = PiDesc(nv=0xF1, ndst=3)
        old = pi.control.value
        assert cmpxchg64(pi.control, old, pi.control_with(nv=0xF2, ndst=7)) == old
        assert (pi.nv, pi.ndst) == (0xF2, 7)
        assert cmpxchg64(pi.control, old, 0) != old
        assert (pi.nv, pi.ndst) == (0xF2, 7)

    def test_control_is_a_word(self):
        pi = PiDesc()
        assert isinstance(pi.control, u64)
        assert pi.control is pi.control

    @pytest.mark.parametrize("name", ["on", "sn", "nv", "ndst"])
    def test_a_field_alone_cannot_be_written(self, name):
        pi = PiDesc()
        with pytest.raises(AttributeError) as error:
            setattr(pi, name, 1)
        cure = re.search(r"use (cmpxchg64\(.*\))$", str(error.value))[1]
        eval(cure, {"cmpxchg64": cmpxchg64, "pi": pi, "old": pi.control.value})
        assert getattr(pi, name) == 1

    def test_the_word_cannot_be_replaced(self):
        pi = PiDesc()
        with pytest.raises(AttributeError, match=r"use cmpxchg64\(pi.control, old, 5\), or pi.control.value = 5"):
            pi.control = 5

    @pytest.mark.parametrize("name", ["pir", "pending", "memory", "nvv"])
    def test_nor_anything_else(self, name):
        with pytest.raises(AttributeError):
            setattr(PiDesc(), name, 0)


class TestRefusing:
    @pytest.mark.parametrize(
        ("arguments", "error", "message"),
        [
            ({"nv": 256}, OverflowError, "nv is 256; give 0 to 255"),
            ({"nv": -1}, OverflowError, "nv is -1; give 0 to 255"),
            ({"ndst": 2**32}, OverflowError, "ndst is 4294967296; give 0 to 4294967295"),
            ({"on": 2}, OverflowError, "on is 2; give 0 to 1"),
            ({"sn": -1}, OverflowError, "sn is -1; give 0 to 1"),
            ({"on": True}, TypeError, "on is True; write 1"),
            ({"sn": False}, TypeError, "sn is False; write 0"),
            ({"nv": 1.0}, TypeError, "nv is 1.0; give an integer"),
            ({"nv": "0xf2"}, TypeError, "nv is '0xf2'; give an integer"),
            ({"ndst": [3]}, TypeError, "ndst is [3]; give an integer"),
            ({"pir": [33, 256]}, ValueError, "vector is 256; give 0 to 255"),
            ({"pir": [-1]}, ValueError, "vector is -1; give 0 to 255"),
            ({"pir": ["33"]}, TypeError, "vector is '33'; give an integer"),
        ],
    )
    def test_with_the_value_and_the_cure(self, arguments, error, message):
        with pytest.raises(error, match=f"^{re.escape(message)}$"):
            PiDesc(**arguments)
        if "pir" not in arguments:
            with pytest.raises(error, match=f"^{re.escape(message)}$"):
                PiDesc().control_with(**arguments)

    def test_in_chinese(self):
        language("zh")
        with pytest.raises(OverflowError, match=r"^nv 是 256；请给 0 到 255$"):
            PiDesc(nv=256)

    def test_numpy_integers_are_integers(self):
        assert PiDesc(nv=np.uint8(7), pir=np.arange(3)).pending == (0, 1, 2)


class TestShowing:
    @pytest.mark.parametrize(
        ("arguments", "says"),
        [
            ({"ndst": 3}, "the next post sets ON and notifies CPU 3 with vector 0xf2"),
            ({"pir": [33]}, "pending, and ON is 0: the next post sets ON and notifies CPU 0 with vector 0xf2"),
            ({"on": 1}, "a notification is outstanding: the next post sets its PIR bit and coalesces"),
            ({"on": 1, "sn": 1}, "a notification is outstanding: the next post sets its PIR bit and coalesces"),
            ({"sn": 1}, "notifications are suppressed: the next post sets its PIR bit, and notifies if it is urgent"),
        ],
    )
    def test_what_the_next_post_does(self, arguments, says):
        pi = PiDesc(**arguments)
        assert repr(pi).endswith("\n  " + says)
        assert pi._repr_html_().endswith(f"{says}</div>")

    def test_the_first_line_makes_the_same_again(self):
        pi = PiDesc(nv=0xF1, ndst=3, on=1, pir=(33, 65))
        first = repr(pi).splitlines()[0]
        assert first == "PiDesc(nv=0xf1, ndst=3, on=1, sn=0, pir=(33, 65))"
        again = eval(first)
        assert bytes(memoryview(again.memory)) == bytes(memoryview(pi.memory))

    @pytest.mark.parametrize("name", ["en", "zh"])
    def test_the_picture_shows_control_bit_by_bit(self, name):
        language(name)
        pi = PiDesc(nv=0xF1, ndst=3, on=1, pir=(33,))
        picture = pi._repr_html_()
        shown = "".join(re.findall(r"monospace\">([01]+)</td>", picture))
        assert int(shown, 2) == pi.control.value
        assert len(shown) == len(CONTROL)
        assert len(picture) < 4000
        assert re.findall(r">(\d+(?::\d+)?)</td></?t", picture)[-1:] == ["256"]
        assert "NDST 3<" in picture
        assert "33<br>" in picture

    def test_chinese(self):
        language("zh")
        text = repr(PiDesc(ndst=3))
        assert text.endswith("\n  下一次登记会置 ON，并用向量 0xf2 通知 CPU 3")
        assert html.escape("通知目标：通知哪个物理 CPU") in PiDesc()._repr_html_()


def test_the_field_table_needs_nothing_of_cmpx():
    """setup.py reads it before anything is built."""
    code = "import runpy, sys; runpy.run_path(sys.argv[1]); assert not [m for m in sys.modules if m.startswith('cmpx')]"
    subprocess.run([sys.executable, "-I", "-c", code, ROOT / "cmpx/fields.py"], check=True)
