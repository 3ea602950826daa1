"""A race keeps its laws, ends when it should, and loses nothing with cmpxchg."""

import os
import signal
import struct
import subprocess
import sys
import textwrap
import threading
import time
from dataclasses import asdict

import pytest

from cmpx import PiDesc, language, race, racing
from cmpx.cpus import usable_cpus
from cmpx.racing import EVENT, KINDS, SNAPSHOT, STRATEGIES, LiveRace, RecordedRace
from cmpx.sources import source


def threads() -> int:
    return len(os.listdir("/proc/self/task"))


@pytest.fixture
def really(monkeypatch):
    """Race also where one processor is usable: the laws hold there too."""
    monkeypatch.setattr(racing, "usable_cpus", lambda: 2)


def check_laws(result):
    assert result.lost == result.notifications - result.on_cleared - result.on_final
    assert result.posts - result.merged == result.harvested + result.pending
    assert result.posts == result.notifications + result.coalesced
    assert result.attempts == result.updates + result.retries
    assert sum(result.retry_histogram) == result.updates
    assert result.updates - 2 * result.rounds in (0, 1)
    if result.strategy in ("cmpxchg", "try_cmpxchg"):
        assert (result.lost, result.missed_wakeups, result.asleep) == (0, 0, False)
        assert sum(result.retry_histogram[2:]) == 0


@pytest.mark.usefixtures("really")
@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("log", ["failures", "full"])
@pytest.mark.parametrize(("delay_cycles", "posts_per_second", "posters"), [(0, None, 1), (0, 2.5e6, 1), (800, 1e5, 3)])
def test_the_laws_are_exact(strategy, log, delay_cycles, posts_per_second, posters):
    result = race(
        strategy,
        rounds=50_000,
        seconds=20,
        delay_cycles=delay_cycles,
        posts_per_second=posts_per_second,
        posters=posters,
        log=log,
    )
    check_laws(result)
    assert result.asleep or result.rounds == 50_000
    assert not result.recorded
    for event in result.timeline:
        assert event.kind in KINDS
        assert event.begin is None or event.begin <= event.end
        assert log != "full" or event.begin is not None
    assert [event.end for event in result.timeline] == sorted(event.end for event in result.timeline)


@pytest.mark.usefixtures("really")
@pytest.mark.parametrize("strategy", ["cmpxchg", "try_cmpxchg"])
def test_nothing_is_lost_in_a_hundred_million_updates(strategy):
    result = race(strategy, rounds=50_000_000, posts_per_second=2.5e6)
    check_laws(result)
    assert result.updates == 100_000_000
    assert result.lost == 0


@pytest.mark.usefixtures("really")
@pytest.mark.parametrize("strategy", ["cmpxchg", "try_cmpxchg"])
def test_each_failed_try_has_its_post_in_its_interval(strategy):
    result = race(strategy, 0.5, delay_cycles=1000, posts_per_second=1e6, log="full")
    posts = [event for event in result.timeline if event.kind == "post"]
    for failed in (event for event in result.timeline if event.kind == "failed"):
        assert any(post.begin <= failed.end and failed.begin <= post.end and post.new == failed.seen for post in posts), failed
        assert failed.seen == failed.old | 1


@pytest.mark.usefixtures("really")
def test_damage_is_a_store_over_a_post():
    live = LiveRace("store", delay_cycles=3000, posts_per_second=1e5, freeze=True)
    live.start()
    end = time.monotonic() + 20
    while not live.finished and time.monotonic() < end:
        time.sleep(0.01)
    frozen = live.finished
    result = live.result()
    live.close()
    check_laws(result)
    if usable_cpus() > 1:
        assert frozen
    if frozen:
        assert result.lost == 1
        damage = [event for event in result.timeline if event.kind == "damage"][-1]
        assert not damage.old & 1
        assert not damage.new & 1
        assert any(
            event.kind == "post" and event.begin < damage.end and damage.begin < event.end and event.old == damage.old
            for event in result.timeline
        )


@pytest.mark.usefixtures("really")
def test_without_another_post_a_missed_wakeup_lasts():
    result = race("store", 1, delay_cycles=2000, posts_per_second=1e5, last_post=True)
    check_laws(result)
    assert result.missed_wakeups == len(result.wake_ns) + result.asleep
    if usable_cpus() > 1:
        assert result.asleep
        assert result.pending > 0
        assert result.on_final == 0


def test_settings_change_while_it_runs_and_the_totals_agree():
    before = threads()
    live = LiveRace(posts_per_second=1e4)
    live.start()
    assert threads() == before + 2
    previous = dict.fromkeys(SNAPSHOT, 0)
    for i in range(20):
        live.set(strategy=STRATEGIES[i % 4], delay_cycles=i % 3 * 500, posts_per_second=(None, 10, 1e6)[i % 3])
        live.set(posters=1 + i % 3, freeze=False)
        time.sleep(0.005)
        head = dict(zip(SNAPSHOT, struct.unpack_from(f"<{len(SNAPSHOT)}Q", live.snapshot()), strict=True))
        for name in ("sequence", "elapsed_ns", "rounds", "updates", "attempts", "posts", "notifications", "lost"):
            assert head[name] >= previous[name]
        previous = head
    live.stop()
    assert threads() == before
    snapshot = live.snapshot()
    head = dict(zip(SNAPSHOT, struct.unpack_from(f"<{len(SNAPSHOT)}Q", snapshot), strict=True))
    assert len(snapshot) == 8 * (len(SNAPSHOT) + head["events"] * len(EVENT))
    result = live.result()
    assert {name: head[name] for name in asdict(result) if name in head} == {
        name: value for name, value in asdict(result).items() if name in head
    }
    live.start()
    time.sleep(0.01)
    assert live.result().updates > result.updates
    live.close()
    with pytest.raises(RuntimeError, match="closed"):
        live.start()


@pytest.mark.usefixtures("really")
def test_two_races_at_once():
    results = []
    racers = [threading.Thread(target=lambda s=s: results.append(race(s, 0.3))) for s in ("cmpxchg", "try_cmpxchg")]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join()
    assert len(results) == 2
    for result in results:
        assert result.updates
        check_laws(result)


@pytest.mark.usefixtures("really")
def test_python_runs_on_meanwhile():
    steps = 0
    racer = threading.Thread(target=race, args=("cmpxchg", 0.5))
    racer.start()
    while racer.is_alive():
        steps += 1
        time.sleep(0.001)
    assert steps > 20


def run(code: str, **options) -> subprocess.Popen:
    text = "import cmpx.racing; cmpx.racing.usable_cpus = lambda: 2\n" + textwrap.dedent(code)
    return subprocess.Popen([sys.executable, "-c", text], stdout=subprocess.PIPE, text=True, **options)


@pytest.mark.alone
def test_an_interrupt_ends_it():
    child = run("""
        import os, time
        from cmpx import race
        print("ready", flush=True)
        try:
            race("cmpxchg", 60)
        except KeyboardInterrupt:
            print(time.monotonic(), len(os.listdir("/proc/self/task")))
    """)
    assert child.stdout.readline() == "ready\n"
    time.sleep(0.3)
    sent = time.monotonic()
    child.send_signal(signal.SIGINT)
    caught, count = child.communicate(timeout=20)[0].split()
    assert count == "1"
    assert float(caught) - sent < 0.1 * (1 if usable_cpus() > 1 else 5)


def test_the_process_ends_with_a_race_still_running():
    child = run("""
        from cmpx.racing import LiveRace
        live = LiveRace()
        live.start()
        print("started", flush=True)
    """)
    assert child.communicate(timeout=20)[0] == "started\n"
    assert child.returncode == 0


def test_a_fork_leaves_the_race_to_the_parent():
    child = run("""
        import os, sys
        from cmpx.racing import LiveRace
        live = LiveRace()
        live.start()
        pid = os.fork()
        if not pid:
            assert len(os.listdir("/proc/self/task")) == 1 and not live.running
            try:
                live.stop()
            except RuntimeError as error:
                print(error, flush=True)
            sys.exit()
        assert os.waitpid(pid, 0)[1] == 0
        assert live.running
        before = live.result().updates
        print(before > 0)
    """)
    told, went_on = child.communicate(timeout=20)[0].splitlines()
    assert "fork" in told
    assert went_on == "True"


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_one_processor_gets_a_labelled_recording(monkeypatch, strategy):
    monkeypatch.setattr(racing, "usable_cpus", lambda: 1)
    result = race(strategy, 5)
    check_laws(result)
    assert result.recorded
    assert result.strategy == strategy
    language("en")
    assert "recording" in repr(result)
    recorded = RecordedRace(strategy)
    first = recorded.snapshot()
    recorded.start()
    second = recorded.snapshot()
    assert first != second
    assert len(second) >= 8 * len(SNAPSHOT)
    assert recorded.result() == result


@pytest.mark.parametrize(
    ("arguments", "error", "named"),
    [
        ({"strategy": "cas"}, ValueError, "'cas'"),
        ({"strategy": None}, ValueError, "None"),
        ({"seconds": 0}, ValueError, "0"),
        ({"seconds": "1"}, ValueError, "'1'"),
        ({"seconds": float("inf")}, ValueError, "inf"),
        ({"rounds": 0}, ValueError, "0"),
        ({"rounds": 1.5}, TypeError, "1.5"),
        ({"delay_cycles": -1}, ValueError, "-1"),
        ({"delay_cycles": 10**9}, ValueError, "1000000000"),
        ({"posts_per_second": 0}, ValueError, "0"),
        ({"posters": 0}, ValueError, "0"),
        ({"posters": 9}, ValueError, "9"),
        ({"seed": "x"}, TypeError, "'x'"),
        ({"log": "all"}, ValueError, "'all'"),
        ({"rounds": 5, "last_post": True}, ValueError, "seconds"),
    ],
)
def test_bad_settings_name_the_value_and_leave_no_thread(arguments, error, named):
    before = threads()
    with pytest.raises(error, match=named):
        race(**{"strategy": "cmpxchg"} | arguments)
    assert threads() == before


def test_an_unknown_setting_is_refused():
    live = LiveRace(pi=PiDesc())
    with pytest.raises(TypeError, match="speed"):
        live.set(speed=3)
    live.close()


def test_the_book_prints_what_is_raced():
    text = source("pi_update")
    assert text.startswith("/*\n * Set NV and NDST")
    assert "cmpxchg64(&pi_desc->control" in text
    assert text.endswith("}")
    assert "PROCESS(iommu)" in source("pi_sleep.h")
    with pytest.raises(ValueError, match=r"pi_updat.*pi_update_store"):
        source("pi_updat")
