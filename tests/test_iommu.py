"""The simulated IOMMU posts as VT-d does, and ends when it should."""

import gc
import multiprocessing
import os
import time

import pytest

from cmpx import Iommu, PiDesc, cmpxchg64


def threads() -> int:
    return len(os.listdir("/proc/self/task"))


@pytest.mark.parametrize("on", [0, 1])
@pytest.mark.parametrize("sn", [0, 1])
@pytest.mark.parametrize("urgent", [False, True])
def test_truth_table(on, sn, urgent):
    pi = PiDesc(on=on, sn=sn, nv=0xF1, ndst=5)
    iommu = Iommu(pi)
    notify = not on and (not sn or urgent)
    assert iommu.post(77, urgent=urgent) == ("coalesced" if on else "notified" if notify else "suppressed")
    assert pi.pending == (77,)
    assert pi.on == (on or notify)
    assert (pi.sn, pi.nv, pi.ndst) == (sn, 0xF1, 5)
    assert iommu.notified == ((0xF1, 5) if notify else None)


def test_a_thread_posts_its_vectors_and_every_post_is_accounted_for():
    pi = PiDesc()
    with Iommu(pi, vectors=[40, 50, 60]) as iommu:
        while iommu.posts < 1000:
            time.sleep(0.001)
    posts = iommu.posts
    assert pi.pending == (40, 50, 60)
    assert posts - iommu.merged == 3
    assert (iommu.notifications, iommu.coalesced) == (1, posts - 1)
    time.sleep(0.02)
    assert iommu.posts == posts


def test_the_same_seed_posts_the_same_vectors():
    def first_vectors(seed):
        pi = PiDesc()
        with Iommu(pi, posts_per_second=1e5, seed=seed) as iommu:
            while iommu.posts < 3:
                time.sleep(0.0001)
        return set(pi.pending), iommu.posts

    runs = [first_vectors(9) for _ in range(2)]
    fewer, more = sorted((vectors for vectors, _ in runs), key=len)
    assert fewer <= more
    assert not first_vectors(10)[0] <= more or len(more) > 200


def test_a_slow_rate_posts_slowly_and_stops_at_once():
    pi = PiDesc()
    began = time.monotonic()
    with Iommu(pi, posts_per_second=0.2) as iommu:
        time.sleep(0.05)
    assert time.monotonic() - began < 1
    assert iommu.posts == 0


def test_a_post_in_between_fails_the_cmpxchg_and_the_next_try_succeeds():
    pi = PiDesc(nv=0xF1, ndst=3)
    old = pi.control.value
    new = pi.control_with(nv=0xF2, ndst=7)
    Iommu(pi).post(0x30)
    assert cmpxchg64(pi.control, old, new) == old | 1 != old
    assert (pi.on, pi.nv, pi.ndst) == (1, 0xF1, 3)
    old, new = pi.control.value, pi.control_with(nv=0xF2, ndst=7)
    assert cmpxchg64(pi.control, old, new) == old
    assert (pi.on, pi.nv, pi.ndst) == (1, 0xF2, 7)


def test_the_thread_ends_with_its_block_its_owner_and_its_error():
    before = threads()
    with pytest.raises(ZeroDivisionError), Iommu(PiDesc(), posts_per_second=1000):
        raise ZeroDivisionError
    assert threads() == before
    iommu = Iommu(PiDesc(), posts_per_second=1000)
    iommu.__enter__()
    assert threads() == before + 1
    del iommu
    gc.collect()
    assert threads() == before


def _in_the_child(iommu, queue):
    try:
        iommu.post(33)
    except RuntimeError as error:
        queue.put((threads(), str(error)))


def test_a_forked_child_has_no_thread_and_is_told():
    context = multiprocessing.get_context("fork")
    queue = context.SimpleQueue()
    with Iommu(PiDesc(), posts_per_second=1000) as iommu:
        child = context.Process(target=_in_the_child, args=(iommu, queue))
        child.start()
        child.join(10)
        assert child.exitcode == 0
        count, message = queue.get()
        posts = iommu.posts
        while iommu.posts == posts:
            time.sleep(0.001)
    assert count == 1
    assert "fork" in message


@pytest.mark.parametrize(
    ("arguments", "error", "named"),
    [
        ({"pi": 5}, TypeError, "5"),
        ({"posts_per_second": 0}, ValueError, "0"),
        ({"posts_per_second": -1.5}, ValueError, "-1.5"),
        ({"posts_per_second": float("nan")}, ValueError, "nan"),
        ({"posts_per_second": "fast"}, TypeError, "'fast'"),
        ({"posts_per_second": True}, TypeError, "True"),
        ({"vectors": [256]}, ValueError, "256"),
        ({"vectors": ["x"]}, TypeError, "'x'"),
        ({"vectors": [1] * 257}, ValueError, "257"),
        ({"seed": -1}, ValueError, "-1"),
    ],
)
def test_bad_settings_name_the_value(arguments, error, named):
    with pytest.raises(error, match=named):
        Iommu(**{"pi": PiDesc()} | arguments)


@pytest.mark.parametrize(("vector", "error"), [(256, ValueError), (-1, ValueError), (1.5, TypeError), (True, TypeError)])
def test_a_bad_vector_changes_nothing(vector, error):
    pi = PiDesc()
    with pytest.raises(error, match=str(vector)):
        Iommu(pi).post(vector)
    assert pi.pending == ()
