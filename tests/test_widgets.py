"""The Python half of the widgets, and their words; the other half is in browser/."""

import re
import struct
import time
from pathlib import Path
from typing import Any

import pytest

import cmpx
from cmpx import PiDesc, u8, u16, u32, u64
from cmpx.languages import catalogue
from cmpx.racing import SNAPSHOT, LiveRace
from cmpx.widgets import Bits, Racer, bits, front, racer


@pytest.fixture(autouse=True)
def english():
    before = cmpx.language()
    cmpx.language("en")
    yield
    cmpx.language(before)


@pytest.fixture
def two_cpus(monkeypatch):
    monkeypatch.setattr(racer, "usable_cpus", lambda: 2)


@pytest.fixture
def live(two_cpus):
    """A race with a live engine, whatever this machine has; closed in the end."""
    widget = Racer(posts_per_second=1000)
    yield widget
    widget.close()


def say(widget: front.Front, **message: Any) -> None:
    """A message from the front end."""
    widget._handle_custom_msg(message, [])


def state(widget: Racer) -> dict[str, int]:
    return dict(zip(SNAPSHOT, struct.unpack_from(f"<{len(SNAPSHOT)}Q", widget.frame), strict=True))


def tasks() -> set[str]:
    """Native threads of this process."""
    return {path.name for path in Path("/proc/self/task").iterdir()}


def eventually(condition, seconds: float = 10.0) -> bool:
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    return condition()


# --- words


@pytest.mark.parametrize("module", [racer, bits])
def test_every_sentence_is_said_and_has_a_chinese_one(module):
    script = front.module(module.__name__.rpartition(".")[2])
    for text in {*module._TEXTS, *front._TEXTS}:
        assert f'"{text}"' in script or text in ("running", "paused", "frozen", "stopped")
        chinese = catalogue(text)["zh"][text]
        assert chinese != text or not re.search("[a-z]", text), f"no Chinese for {text!r}"
        assert re.findall(r"\{(\w+)\}", chinese).sort() == re.findall(r"\{(\w+)\}", text).sort()


@pytest.mark.parametrize("module", [racer, bits])
def test_the_script_says_nothing_else(module):
    name = module.__name__.rpartition(".")[2]
    said = set(re.findall(r'say\("([^"]+)"', front.module(name)))
    said |= set(re.findall(r'label\(h\([^()]*\), "([^"]+)"', front.module(name)))
    assert said
    assert said <= {*module._TEXTS, *front._TEXTS}


def test_a_live_widget_follows_the_language():
    one, other = Racer(), Bits(u32(5))
    cmpx.language("zh")
    assert (one.language, other.language) == ("zh", "zh")
    say(one, do="set", name="language", value="en")
    assert (one.language, other.language) == ("en", "zh")


@pytest.mark.parametrize(("name", "value"), [("size", "huge"), ("language", "de")])
def test_wrong_look_is_refused(name, value):
    widget = Bits(u8())
    with pytest.raises(ValueError, match=value):
        setattr(widget, name, value)
    assert getattr(widget, name) in ("normal", "en")


# --- Racer


def test_text_before_the_start_is_the_same_each_time(two_cpus):
    assert repr(Racer()) == "Racer: cmpxchg, 0 cycles between read and write, 1,000,000/s, posters: 1; stopped"
    cmpx.language("zh")
    assert repr(Racer(posts_per_second=None)) == "Racer：cmpxchg，读写之间 0 周期，全速，登记方 1 个；已停止"


def test_text_twin_goes_with_the_picture(live):
    data, _ = live._repr_mimebundle_()
    assert data["text/plain"] == repr(live)


@pytest.mark.parametrize(
    ("name", "value"),
    [("strategy", "hope"), ("delay_cycles", -1), ("delay_cycles", 1.5), ("posts_per_second", 0), ("posters", 9)],
)
def test_wrong_setting_is_refused(live, name, value):
    before = getattr(live, name)
    with pytest.raises((ValueError, TypeError, OverflowError), match=name):
        setattr(live, name, value)
    assert getattr(live, name) == before
    with pytest.raises((ValueError, TypeError, OverflowError), match=name):
        Racer(**{name: value})


def test_settings_take_effect_while_it_runs(live):
    before = tasks()
    live.start()
    assert eventually(lambda: state(live)["posts"])
    live.posters = 3
    assert eventually(lambda: len(tasks() - before) == 5), "a vCPU, three posters and the one that watches"
    live.strategy = "store"
    live.posts_per_second = None
    live.delay_cycles = 10_000_000
    time.sleep(0.1)
    first = state(live)
    assert eventually(lambda: state(live)["updates"] - first["updates"] >= 10)
    then = state(live)
    assert then["elapsed_ns"] - first["elapsed_ns"] > 10e6, "ten updates of ten million cycles each"
    assert then["posts"] - first["posts"] > then["updates"] - first["updates"]
    assert live.result.strategy == "store"


def test_front_end_starts_changes_and_stops(live):
    say(live, do="set", name="delay_cycles", value=300)
    say(live, do="start")
    assert live.status == "running"
    assert eventually(lambda: state(live)["updates"])
    say(live, do="stop")
    assert live.status == "stopped"
    assert live.delay_cycles == 300
    assert not live._race.running
    say(live, do="reset")
    assert state(live)["updates"] == state(live)["elapsed_ns"] == 0
    assert live.delay_cycles == 300


def test_totals_shown_are_the_result(live):
    live.start()
    assert eventually(lambda: state(live)["posts"] > 10)
    result = live.result
    shown = state(live)
    for name in racer._COUNTERS:
        assert shown[name] == getattr(result, name)
    assert f"{result.updates:,}" in repr(live)


def test_with_nobody_looking_it_pauses_and_goes_on(live):
    before = tasks()
    live.start()
    assert eventually(lambda: live.status == "paused", 3.0)
    assert eventually(lambda: not tasks() - before)
    updates = state(live)["updates"]
    say(live, do="beat")
    assert live.status == "running"
    assert eventually(lambda: state(live)["updates"] > updates)


def test_heartbeats_keep_it_going(live, monkeypatch):
    monkeypatch.setattr(racer, "_PATIENCE_S", 0.3)
    live.start()
    for _ in range(10):
        time.sleep(0.1)
        say(live, do="beat")
    assert live.status == "running"


def test_beat_does_not_start_what_was_stopped(live):
    live.start()
    live.stop()
    say(live, do="beat")
    assert live.status == "stopped"


def test_damage_freezes(live, monkeypatch):
    monkeypatch.setattr(LiveRace, "finished", property(lambda race: race.running))
    live.start()
    assert eventually(lambda: live.status == "frozen")
    assert not live._race.running


def test_a_message_disturbs_no_cell(live, monkeypatch):
    """IPython's post_execute would flush a figure that a busy cell is still drawing."""
    monkeypatch.setattr("IPython.get_ipython", lambda: pytest.fail("the shell was asked to fire its events"))
    live.comm.handle_msg({"content": {"data": {"method": "custom", "content": {"do": "beat"}}}, "buffers": []})


def test_one_processor_plays_a_recording(monkeypatch):
    monkeypatch.setattr(racer, "usable_cpus", lambda: 1)
    before = tasks()
    widget = Racer("store")
    assert widget.recorded
    assert "recording" in repr(widget)
    widget.start()
    frame = widget.frame
    assert eventually(lambda: widget.frame != frame)
    widget.delay_cycles = 100
    widget.strategy = "cmpxchg"
    assert widget.result.recorded
    assert eventually(lambda: not tasks() - before)
    widget.close()


# --- Bits


def replies(widget: Bits, monkeypatch) -> list[dict[str, Any]]:
    sent: list[dict[str, Any]] = []
    monkeypatch.setattr(widget, "send", sent.append)
    return sent


@pytest.mark.parametrize("kind", [u8, u16, u32, u64])
def test_an_edit_is_a_cmpxchg_against_the_value_shown(kind, monkeypatch):
    word = kind(5)
    widget = Bits(word)
    sent = replies(widget, monkeypatch)
    say(widget, do="edit", row=0, old="0x5", new="0x85")
    assert word.value == 0x85
    word.value = 0x11
    say(widget, do="edit", row=0, old="0x85", new="0x84")
    assert word.value == 0x11
    assert sent == [
        {"edited": 0, "old": "0x5", "new": "0x85", "seen": "0x5"},
        {"edited": 0, "old": "0x85", "new": "0x84", "seen": "0x11"},
    ]
    assert widget.frame == (0x11).to_bytes(8, "little")


def test_every_word_of_a_descriptor_can_be_edited():
    pi = PiDesc(nv=0xF1, ndst=3)
    widget = Bits(pi)
    assert [(row["name"], row["first"], row["bits"]) for row in widget.rows] == [
        ("control", 256, 64),
        *((f"pir[{i}]", 32 * i, 32) for i in range(8)),
    ]
    say(widget, do="edit", row=0, old=hex(pi.control.value), new=hex(pi.control_with(nv=0xF2, on=1)))
    say(widget, do="edit", row=2, old="0x0", new="0x20000")
    assert (pi.nv, pi.on, pi.ndst, pi.pending) == (0xF2, 1, 3, (49,))
    say(widget, do="beat")
    assert widget.frame == struct.pack("<9Q", pi.control.value, 0, 0x20000, 0, 0, 0, 0, 0, 0)


def test_what_others_write_is_seen():
    word = u64()
    widget = Bits(word)
    word.value = 2**63
    say(widget, do="beat")
    assert widget.frame == (2**63).to_bytes(8, "little")


def test_bits_as_text():
    assert repr(Bits(u16(0x1234))) == "u16(0x1234)\n     u16 0001 0010 0011 0100"
    assert repr(Bits(PiDesc(pir=[0x31]))).splitlines()[-7] == "  pir[1] 0000 0000 0000 0010 0000 0000 0000 0000"


@pytest.mark.parametrize("wrong", [5, bytearray(8), None])
def test_bits_of_something_else(wrong):
    with pytest.raises(TypeError, match=re.escape(repr(wrong))):
        Bits(wrong)
