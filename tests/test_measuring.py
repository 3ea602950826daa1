"""Measured contention: exact counts, settings that are refused, threads that end, pictures that fit."""

import os
import signal
import threading
import time
from dataclasses import replace
from itertools import combinations

import pytest
from test_plotting import missing, texts, words

from cmpx import language, measuring
from cmpx.measuring import OPERATIONS, PLACES, Contention, contend, expected_share
from cmpx.plotting import plot_contention, plot_retries


def threads() -> int:
    return len(os.listdir("/proc/self/task"))


@pytest.fixture
def really(monkeypatch):
    """Measure also where one processor is usable: the laws hold there too."""
    monkeypatch.setattr(measuring, "usable_cpus", lambda: 2)


@pytest.mark.usefixtures("really")
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_nothing_is_lost_that_should_be_kept(operation, place):
    before = threads()
    result = contend(operation, threads=3, seconds=0.01, place=place)
    assert threads() == before
    assert result.attempts == result.operations + result.failures
    assert len(result.by_thread) == 3
    assert 0 < result.nanoseconds < 1e9
    assert 0 <= result.share_failed <= 1
    if operation in ("fetch_add", "cmpxchg") or (operation == "add" and place != "same"):
        assert result.value == result.operations
    if operation == "add":
        assert 0 < result.value <= result.operations
    if operation == "failing_cmpxchg":
        assert (result.operations, result.value, result.share_failed) == (0, 0, 1)
    elif operation != "cmpxchg" or place != "same":
        assert result.failures == 0


@pytest.mark.usefixtures("really")
def test_the_window_and_the_pause_are_waited_for():
    result = contend("cmpxchg", threads=1, seconds=0.05, window_cycles=100_000, pause_cycles=300_000)
    assert result.operations == result.value == result.attempts
    assert result.nanoseconds > 200_000 * result.cycle_ns
    many = contend("cmpxchg", threads=4, seconds=0.05, window_cycles=2000, pause_cycles=500, backoff=True)
    assert many.value == many.operations > 0


@pytest.mark.usefixtures("really")
def test_of_several_tries_the_quietest_is_kept(monkeypatch):
    busy = iter([20, 60, 45, 20, 99, 99])
    monkeypatch.setattr(measuring, "_run", lambda *_settings: [(5, 5), (0, 0), (100, 100), (each := next(busy), each)])
    assert contend("xchg", tries=3).processors == pytest.approx(1.2)
    assert contend("xchg", tries=9).processors == pytest.approx(1.98)
    assert next(busy) == 99  # the second was quiet enough


@pytest.mark.usefixtures("really")
def test_an_interrupt_ends_it():
    before = threads()
    timer = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        contend("cmpxchg", threads=2, seconds=10, window_cycles=10_000_000)
    late = time.monotonic()
    timer.join()
    assert time.monotonic() - late < 1
    assert threads() == before


@pytest.mark.parametrize(
    ("settings", "error", "named"),
    [
        ({"operation": "swap"}, ValueError, "'swap'"),
        ({"place": "here"}, ValueError, "'here'"),
        ({"threads": 0}, ValueError, "0"),
        ({"threads": 65}, ValueError, "65"),
        ({"threads": 1.5}, TypeError, "1.5"),
        ({"threads": 9, "place": "neighbours"}, ValueError, "9"),
        ({"seconds": 0}, ValueError, "0"),
        ({"seconds": 11}, ValueError, "11"),
        ({"seconds": "long"}, ValueError, "'long'"),
        ({"window_cycles": -1}, ValueError, "-1"),
        ({"pause_cycles": 10**8}, ValueError, "100000000"),
        ({"tries": 0}, ValueError, "0"),
        ({"operation": "xchg", "window_cycles": 5}, ValueError, "'xchg'"),
        ({"operation": "add", "backoff": True}, ValueError, "'add'"),
    ],
)
def test_bad_settings_name_the_value(settings, error, named):
    before = threads()
    with pytest.raises(error, match=named):
        contend(**{"operation": "cmpxchg"} | settings)
    assert threads() == before


def test_split_words_are_refused_where_they_do_not_work(monkeypatch):
    monkeypatch.setattr(measuring.platform, "machine", lambda: "aarch64")
    with pytest.raises(OSError, match="aarch64"):
        contend("cmpxchg", place="split")
    monkeypatch.setattr(measuring.platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(measuring, "_split_ends", lambda: -signal.SIGBUS)
    with pytest.raises(OSError, match="another place"):
        contend("load", place="split")


@pytest.mark.parametrize("operation", OPERATIONS)
def test_one_processor_gets_a_labelled_recording(monkeypatch, operation):
    monkeypatch.setattr(measuring, "usable_cpus", lambda: 1)
    alone = contend(operation, threads=1, seconds=0.01)
    assert not alone.recorded
    result = contend(operation, threads=2)
    assert result.recorded
    assert (result.operation, result.place) == (operation, "same")
    assert "another machine" in repr(result)
    assert result.processors > 1.8
    language("zh")
    assert "另一台机器" in result._repr_html_()


def test_the_recording_nearest_to_the_settings_is_shown(monkeypatch):
    monkeypatch.setattr(measuring, "usable_cpus", lambda: 1)
    wide = contend("cmpxchg", window_cycles=3000, pause_cycles=2000)
    narrow = contend("cmpxchg", window_cycles=300, pause_cycles=2000)
    assert wide.window_cycles > narrow.window_cycles > 0
    assert wide.share_failed > narrow.share_failed


def test_the_model_agrees_with_a_simulation():
    """Exponential pauses and windows: then successes do come at random, and the model is nearly exact for many threads."""
    assert expected_share(1, 1000, 1000) == 0
    assert expected_share(2, 0, 1000) == expected_share(2, 0, 0) == 0
    for window in (1, 1000):  # without a pause: share = 1 - exp(share - 1)
        assert expected_share(2, window, 0) == pytest.approx(0.43286, abs=1e-4)
    shares = [expected_share(2, window, 2000) for window in (100, 1000, 10_000)]
    assert shares == sorted(shares)
    assert expected_share(2, 10, 100_000) == pytest.approx(10 / 100_000, rel=0.01)


BASE = Contention("cmpxchg", "same", 2, 0, 2000, False, 0.2, 0.39, (1_000_000, 1_200_000), 22_000, 2_200_000, 0.38, 2)


def grid():
    return [
        replace(BASE, threads=n, window_cycles=w, failures=w * n * 100, backoff=b)
        for n in (2, 4)
        for w in (0, 500, 4000)
        for b in (False, True)
    ]


PICTURES = {
    "retries": lambda: plot_retries(grid()),
    "retries, recorded": lambda: plot_retries([replace(each, recorded=True) for each in grid()]),
    "retries, one": lambda: plot_retries([BASE]),
    "contention": lambda: plot_contention([replace(BASE, operation=o, place=p) for o in OPERATIONS for p in PLACES]),
    "contention, one": lambda: plot_contention([replace(BASE, operation="failing_cmpxchg", place="split", recorded=True)]),
}


@pytest.mark.parametrize("chosen", ["en", "zh"])
@pytest.mark.parametrize("picture", PICTURES)
def test_pictures_fit_and_have_every_character(picture, chosen):
    language(chosen)
    figure = PICTURES[picture]()
    boxes = [(text.get_text(), text.get_window_extent()) for text in texts(figure)]
    edge = figure.bbox
    assert not [t for t, box in boxes if box.x0 < 0 or box.y0 < 0 or box.x1 > edge.x1 or box.y1 > edge.y1]
    assert not [(a, b) for (a, one), (b, two) in combinations(boxes, 2) if one.padded(-1).overlaps(two.padded(-1))]
    assert not missing(words(figure))


def test_pictures_say_what_was_measured():
    said = words(plot_contention([BASE]))
    assert "cmpxchg, 2 threads, one word" in said
    assert "177.3 ns (1.0 % of attempts failed)" in said
    said = words(plot_retries(grid()))
    assert {"2 threads", "4 threads, with backoff", "model: 2 threads at once"} <= set(said.split("\n"))
