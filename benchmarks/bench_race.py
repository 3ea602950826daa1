"""The race engine against the same work by hand, and what watching it costs."""

import ctypes
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from cmpx import race
from cmpx.racing import LiveRace
from cmpx.sources import CSRC

_PAIRS = 9
_SECONDS = 0.5
_ROUNDS = 2_000_000


def _peer(folder: str) -> ctypes.CDLL:
    """peer.c, compiled as the engine is."""
    library = Path(folder) / "peer.so"
    source = Path(__file__).with_name("peer.c")
    options = ["-std=gnu11", "-O2", "-fno-strict-aliasing", "-shared", "-fPIC", "-pthread", f"-I{CSRC / 'include'}"]
    subprocess.run(["cc", *options, source, "-o", library], check=True)
    peer = ctypes.CDLL(str(library))
    peer.bare_rounds.restype = ctypes.c_double
    peer.bare_rounds.argtypes = [ctypes.c_uint64]
    peer.two_threads.argtypes = [ctypes.c_double, *[ctypes.POINTER(ctypes.c_double)] * 2]
    return peer


def _pairs(ours: Callable[[], float], theirs: Callable[[], float]) -> tuple[float, float, float]:
    """Medians of ours, theirs and of ours / theirs, run in turn."""
    runs = []
    for _ in range(_PAIRS):
        runs.append((ours(), theirs()))
    return (
        statistics.median(a for a, b in runs),
        statistics.median(b for a, b in runs),
        statistics.median(a / b for a, b in runs),
    )


def _rate(watched: bool = False, log: str = "failures", posts_per_second: float | None = None) -> float:
    """Updates a second of a cmpxchg race."""
    live = LiveRace("cmpxchg", log=log, posts_per_second=posts_per_second)
    try:
        live.start()
        end = time.monotonic() + _SECONDS
        while (left := end - time.monotonic()) > 0:
            time.sleep(min(left, 1 / 30))
            if watched:
                live.snapshot()
        result = live.result()
    finally:
        live.close()
    return result.updates / result.seconds


def _by_hand(peer: ctypes.CDLL) -> float:
    updates, posts = ctypes.c_double(), ctypes.c_double()
    peer.two_threads(_SECONDS, updates, posts)
    return updates.value


def main() -> None:
    """Print each figure beside what it should be."""
    with tempfile.TemporaryDirectory() as folder:
        peer = _peer(folder)
        ours, theirs, ratio = _pairs(
            lambda: 1e9 / _rate(posts_per_second=0.001),
            lambda: 1e9 * peer.bare_rounds(_ROUNDS) / (2 * _ROUNDS),
        )
        print(f"one thread, ns an update:      {ours:8.2f}  bare lock cmpxchg {theirs:8.2f}  ratio {ratio:.3f}  (at most 1.15)")
        ours, theirs, ratio = _pairs(lambda: _rate() / 1e6, lambda: _by_hand(peer) / 1e6)
        print(f"two threads, M updates/s:      {ours:8.2f}  pthreads by hand  {theirs:8.2f}  ratio {ratio:.3f}  (at least 0.9)")
    rate = 2.5e6
    ours, theirs, ratio = _pairs(
        lambda: _rate(watched=True, posts_per_second=rate) / 1e6, lambda: _rate(log="none", posts_per_second=rate) / 1e6
    )
    print(f"logged, watched, M updates/s:  {ours:8.2f}  race alone        {theirs:8.2f}  ratio {ratio:.3f}  (at least 0.93)")
    for strategy in ("store", "split_load", "cmpxchg"):
        result = race(strategy, 2, posts_per_second=rate)
        share = result.lost / result.notifications
        period = result.seconds * 1e9 / result.posts
        print(f"{strategy}, a post every {period:.0f} ns: lost {share:.1%} of {result.notifications:,} ON-sets")


if __name__ == "__main__":
    main()
