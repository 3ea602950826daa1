"""The picture of a race: what it says, that it fits, and that its font has every character."""

import re
import runpy
import warnings
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import matplotlib as mpl
import pytest
from matplotlib.font_manager import FontProperties
from matplotlib.ft2font import FT2Font
from matplotlib.patches import Rectangle
from matplotlib.text import Text

from cmpx import language
from cmpx.plotting import plot_race
from cmpx.racing import Event, RaceResult

ROOT = Path(__file__).parent.parent
FONT = ROOT / "cmpx/fonts/cmpx-cjk.otf"
TOOL = runpy.run_path(str(ROOT / "tools/subset_font.py"))
CURE = "run: python tools/subset_font.py"

BLOCKED = 0x3_00F1_0000
FAILED = (
    Event("vCPU", "update", 500, 560, BLOCKED, BLOCKED, BLOCKED),
    Event("IOMMU", "post", 1050, 1111, BLOCKED, BLOCKED | 1, 33),
    Event("vCPU", "failed", 1000, 1143, BLOCKED, BLOCKED, BLOCKED | 1),
    Event("IOMMU", "coalesced", 1190, 1215, BLOCKED | 1, BLOCKED | 1, 35),
    Event("vCPU", "retry", 1160, 1222, BLOCKED | 1, BLOCKED | 1, BLOCKED | 1),
)
DAMAGE = (
    Event("CPU 2", "post", 12_050, 12_111, BLOCKED, BLOCKED | 1, 33),
    Event("IOMMU", "coalesced", 12_300, 12_340, BLOCKED | 1, BLOCKED | 1, 33),
    Event("CPU 3", "coalesced", 12_500, 12_540, BLOCKED | 1, BLOCKED | 1, 33),
    Event("vCPU", "damage", 11_000, 13_343, BLOCKED, BLOCKED, BLOCKED | 1),
)
CAS = RaceResult(
    strategy="try_cmpxchg", seconds=123.0, rounds=50_000_000, updates=100_000_000, attempts=105_000_000, retries=5_000_000,
    retry_histogram=(95_000_000, 5_000_000, 0, 0, 0, 0, 0, 0), posts=987_654_321, merged=900_000_000, coalesced=980_000_000,
    notifications=7_654_321, on_cleared=7_654_320, on_final=1, harvested=87_654_320, pending=1, lost=0, missed_wakeups=0,
    wake_ns=(), asleep=False, timeline=FAILED, cpus=2,
)  # fmt: skip
STORE = replace(
    CAS, strategy="split_load", retries=0, attempts=100_000_000, retry_histogram=(100_000_000,), on_cleared=2_654_320,
    lost=5_000_000, missed_wakeups=1_234_567, wake_ns=tuple(range(100, 90_000_000, 90_001)), timeline=DAMAGE, recorded=True,
)  # fmt: skip
NOTHING = replace(
    CAS, updates=0, attempts=0, retries=0, retry_histogram=(0,) * 8, posts=0, merged=0, coalesced=0, notifications=0,
    on_cleared=0, on_final=0, harvested=0, pending=0, timeline=(),
)  # fmt: skip
UNSTAMPED = tuple(replace(event, begin=None) if event.kind == "failed" else event for event in FAILED)
RACES = {
    "cas": CAS,
    "unstamped": replace(CAS, timeline=UNSTAMPED),
    "only the failure": replace(CAS, timeline=UNSTAMPED[2:3]),
    "late": replace(CAS, timeline=(*FAILED[:3], replace(FAILED[4], begin=9_001_160, end=9_001_222))),
    "store": STORE,
    "asleep": replace(STORE, strategy="store", asleep=True, wake_ns=(), recorded=False),
    "asleep, others woken": replace(STORE, asleep=True, wake_ns=(7,)),
    "many retries": replace(CAS, retry_histogram=(9, 8, 7, 6, 5, 4, 3, 2), timeline=()),
    "nothing": NOTHING,
}


@pytest.fixture(autouse=True)
def _strict():
    before = language()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield
    language(before)


def texts(figure):
    """Every text that is drawn; a figure also holds ticks outside its axes, which are not."""
    drawn = []
    draw = Text.draw

    def record(text, renderer):
        if text.get_visible() and text.get_text().strip():
            drawn.append(text)
        draw(text, renderer)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Text, "draw", record)
        figure.draw_without_rendering()
    return drawn


def words(figure):
    return "\n".join(text.get_text() for text in texts(figure))


@pytest.mark.parametrize("name", ["en", "zh"])
@pytest.mark.parametrize("race", RACES)
class TestEveryRace:
    def test_nothing_clipped_and_nothing_overlaps(self, race, name):
        language(name)
        figure = plot_race(RACES[race])
        boxes = [(text.get_text(), text.get_window_extent()) for text in texts(figure)]
        edge = figure.bbox
        outside = [t for t, box in boxes if box.x0 < 0 or box.y0 < 0 or box.x1 > edge.x1 or box.y1 > edge.y1]
        assert not outside
        assert not [(a, b) for (a, one), (b, two) in combinations(boxes, 2) if one.padded(-1).overlaps(two.padded(-1))]

    def test_the_font_has_every_character(self, race, name):
        language(name)
        figure = plot_race(RACES[race])
        family = FontProperties(fname=FONT).get_name()
        assert {text.get_fontfamily()[0] for text in texts(figure)} == {family}
        assert not missing(words(figure)), CURE


def missing(text):
    """The characters that the bundled font lacks."""
    return {c for c in text if c.isprintable()} - set(map(chr, FT2Font(str(FONT)).get_charmap()))


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
def test_saved_without_a_warning(tmp_path, suffix):
    language("zh")
    plot_race(STORE).savefig(tmp_path / f"race.{suffix}")


class TestFont:
    def test_it_has_what_plots_say_and_no_more(self):
        assert set(map(chr, FT2Font(str(FONT)).get_charmap())) == TOOL["characters"](), CURE

    def test_a_missing_character_is_found(self):
        assert missing("读 龘!") == {"龘"}

    def test_its_licence_stands_beside_it(self):
        licence = (FONT.parent / "OFL.txt").read_text()
        assert "Copyright 2014-2021 Adobe" in licence
        assert "SIL OPEN FONT LICENSE Version 1.1" in licence


class TestWords:
    def test_lost(self):
        language("en")
        said = words(plot_race(STORE))
        assert "split_load: 5,000,000 of 7,654,321 notifications lost" in said
        assert "5,000,000 (65.3 %)" in said
        assert "1 (< 0.1 %)" in said
        assert "missed wakeups: 1,234,567" in said
        assert "recorded on another machine" in said
        assert "cmpxchg succeeds and writes ON=0 over ON=1: notification lost (2,343 ns)" in said

    def test_kept(self):
        language("en")
        said = words(plot_race(CAS))
        assert "try_cmpxchg: no notification lost in 100,000,000 updates" in said
        assert "95,000,000 (95.0 %)" in said
        assert "cmpxchg fails: expected ON=0, found ON=1 (143 ns)" in said
        assert "post: PIR bit, then ON=1 (61 ns)" in said
        assert "the retry succeeds (62 ns)" in said
        assert "recorded on another machine" not in said

    def test_chinese(self):
        language("zh")
        said = words(plot_race(STORE))
        assert "split_load：7,654,321 次通知丢了 5,000,000 次" in said
        assert "在另一台机器上录制" in said
        english = {"vCPU", "IOMMU", "CPU 2", "CPU 3", " cmpxchg"}
        assert not [
            t for t in said.split("\n") if re.search("[A-Za-z]{3}", t) and not re.search("[一-鿿]", t) and t not in english
        ]

    def test_the_last_bar_gathers_the_rest(self):
        said = words(plot_race(RACES["many retries"]))
        assert "≥ 5" in said
        assert "9 (< 0.1 %)" in said

    @pytest.mark.parametrize(
        ("field", "seen"), [("NDST", BLOCKED + (4 << 32)), ("NV", BLOCKED + (1 << 16)), ("SN", BLOCKED | 2)]
    )
    def test_what_the_cmpxchg_met_is_named(self, field, seen):
        failed = replace(FAILED[2], seen=seen)
        assert re.search(rf"{field}=\w+.*{field}=\w+", words(plot_race(replace(CAS, timeline=(failed,)))))


class TestTimeline:
    def bars(self, result):
        """Bars by lane: (lane, begin, end, hatched), in the axes' nanoseconds."""
        figure = plot_race(result)
        axes = figure.axes[2]
        bars = [p for p in axes.patches if isinstance(p, Rectangle) and 0.3 < p.get_height() < 0.35]
        lanes = [label.get_text() for label in axes.get_yticklabels()]
        return axes, [
            (lanes[round(p.get_y() + 0.16)], p.get_x(), p.get_x() + p.get_width(), bool(p.get_hatch()), p.get_alpha())
            for p in bars
        ]

    def test_each_interval_stands_where_it_was(self):
        axes, bars = self.bars(CAS)
        assert ("vCPU", -143, 0, True, 1) in bars
        assert ("IOMMU", -93, -32, False, 1) in bars
        assert ("vCPU", 17, 79, False, 1) in bars
        assert ("IOMMU", 47, 72, False, 0.35) in bars
        assert len(bars) == 4
        left, right = axes.get_xlim()
        assert all(left < begin < end < right for _, begin, end, _, _ in bars)

    def test_without_a_begin_the_left_edge_is_open(self):
        axes, bars = self.bars(RACES["unstamped"])
        failed = next(bar for bar in bars if bar[3])
        assert failed[1] == axes.get_xlim()[0]
        corners = [len(line.get_xdata()) for line in axes.lines]
        assert corners.count(4) == 1
        assert ("IOMMU", -93, -32, False, 1) in bars

    def test_an_earlier_post_is_not_to_blame(self):
        early = replace(FAILED[1], begin=800, end=850)
        _, bars = self.bars(replace(CAS, timeline=(early, FAILED[2], FAILED[4])))
        assert [bar[0] for bar in bars] == ["vCPU", "vCPU"]

    def test_the_post_is_found_behind_a_crowd_that_changed_nothing(self):
        crowd = tuple(replace(FAILED[3], begin=1112 + n // 10, end=1113 + n // 10) for n in range(200))
        _, bars = self.bars(replace(CAS, timeline=(*FAILED[:3], *crowd, FAILED[4])))
        assert ("IOMMU", -93, -32, False, 1) in bars

    def test_the_most_complete_scene_is_drawn_then_the_shortest(self):
        def later(events, by):
            return tuple(replace(e, begin=e.begin and e.begin + by, end=e.end + by) for e in events)

        long = tuple(replace(e, begin=e.begin + 10_000, end=e.end + (10_400 if e.kind == "retry" else 10_000)) for e in FAILED)
        _, bars = self.bars(replace(CAS, timeline=(*later(FAILED[2:3], -900), *long, *later(FAILED, 20_000))))
        assert ("vCPU", 17, 79, False, 1) in bars

    def test_damage_goes_before_failures(self):
        _, bars = self.bars(replace(STORE, timeline=(*FAILED, *DAMAGE)))
        assert ("vCPU", -2343, 0, True, 1) in bars

    def test_at_most_four_lanes_and_the_actors_among_them(self):
        crowd = tuple(Event(f"CPU {n}", "coalesced", 12_400, 12_440, BLOCKED | 1, BLOCKED | 1, 33) for n in range(4, 9))
        axes, _ = self.bars(replace(STORE, timeline=(*DAMAGE, *crowd)))
        assert [label.get_text() for label in axes.get_yticklabels()] == ["vCPU", "CPU 2", "IOMMU", "CPU 3"]


class TestManners:
    def test_matplotlib_settings_stay_as_they_were(self):
        with mpl.rc_context({"font.size": 31, "figure.facecolor": "black"}):
            before = dict(mpl.rcParams)
            figure = plot_race(CAS)
            assert dict(mpl.rcParams) == before
        assert figure.get_facecolor() == (1, 1, 1, 1)
        assert max(text.get_fontsize() for text in texts(figure)) == 14

    def test_a_notebook_shows_it_sharply(self):
        figure = plot_race(CAS)
        data, size = figure._repr_png_()
        assert data.startswith(b"\x89PNG")
        width, height = (int.from_bytes(data[i : i + 4], "big") for i in (16, 20))
        assert (width, height) == pytest.approx((2 * size["width"], 2 * size["height"]), abs=2)

    def test_no_pyplot_window(self):
        from matplotlib import pyplot

        plot_race(CAS)
        assert pyplot.get_fignums() == []


def test_picture_as_text_says_what_the_picture_says():
    text = repr(plot_race(STORE))
    assert text.startswith("split_load: 5,000,000 of 7,654,321 notifications lost\n")
    assert "lost: written over | 5,000,000 (65.3 %)" in text
    assert "recorded on another machine" in text
