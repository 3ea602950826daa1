"""The simulated IOMMU: a native thread that posts interrupts into a PiDesc."""

import os
import weakref
from collections.abc import Iterable
from threading import RLock
from types import TracebackType
from typing import Any, ClassVar, Self

from cmpx._engine import ffi, lib
from cmpx.languages import _
from cmpx.pi_desc import PiDesc

__all__ = ["Iommu", "Native", "period_ns"]


class Native:
    """A C object with threads, and the descriptor they write to; the threads end before the memory goes.

    After a fork the child has the memory but not the threads: there the handle is gone, and says so.
    """

    _alive: ClassVar["weakref.WeakSet[Native]"] = weakref.WeakSet()

    def __init__(self, pi: PiDesc, new: Any, free: Any) -> None:
        if not isinstance(pi, PiDesc):
            raise TypeError(_("{value!r} is no PiDesc; make one with PiDesc()").format(value=pi))
        self.pi = pi
        self._lock = RLock()
        memory = ffi.from_buffer(pi.memory, require_writable=True)
        self._native = new(memory)
        if not self._native:
            raise MemoryError
        self._end = weakref.finalize(self, _end, self._native, memory, free)
        Native._alive.add(self)

    @property
    def _c(self) -> Any:
        if self._native is None:
            raise RuntimeError(_("it is closed, or was made before a fork and belongs to the parent process; make a new one"))
        return self._native

    def close(self) -> None:
        """End the threads and give the C object back."""
        with self._lock:
            self._native = None
            self._end()

    def _forget(self) -> None:
        self._lock = RLock()
        self._native = None
        self._end.detach()


def _end(native: Any, memory: Any, free: Any) -> None:
    free(native)
    ffi.release(memory)


def _forget_all() -> None:
    for handle in list(Native._alive):
        handle._forget()


os.register_at_fork(after_in_child=_forget_all)


def period_ns(posts_per_second: float | None) -> int:
    """Nanoseconds from post to post; 0, flat out, for None."""
    if posts_per_second is None:
        return 0
    if isinstance(posts_per_second, bool) or not isinstance(posts_per_second, (int, float)):
        message = _("posts_per_second is {value!r}; give a number, or None for flat out")
        raise TypeError(message.format(value=posts_per_second))
    if not 1e-3 <= posts_per_second <= 1e9:
        message = _("posts_per_second is {value!r}; give 0.001 to 1e9, or None for flat out")
        raise ValueError(message.format(value=posts_per_second))
    return max(1, round(1e9 / posts_per_second))


def integer(name: str, value: Any, least: int, most: int) -> int:
    """`value`, if it is an int from `least` to `most`; else an error that calls it `name`."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(_("{name} is {value!r}; give an integer").format(name=name, value=value))
    if not least <= value <= most:
        message = _("{name} is {value}; give {least} to {most}")
        raise ValueError(message.format(name=name, value=value, least=least, most=most))
    return value


def _free_posters(posters: Any) -> None:
    for poster in posters:
        lib.poster_stop(poster)
        lib.poster_free(poster)


class Iommu(Native):
    """Post interrupts into `pi`, by hand or, inside a ``with`` block, from a native thread.

    A post sets the vector's bit in PIR. Then, if ON is 0 and SN is 0 or the post is urgent, it sets ON and notifies: NV is
    sent to NDST. While ON is 1 posts coalesce; under SN they set PIR only (the VT-d rules, as Linux and Xen report them).

    This is an approximation. The hardware swaps the whole cache line in one step (Linux v6.16,
    ``arch/x86/include/asm/posted_intr.h``); a CPU cannot, so the thread sets PIR first and then updates control by cmpxchg.

    Parameters
    ----------
    pi : PiDesc
        Where to post.
    posts_per_second : float, optional
        Average rate of the thread, 0.001 to 1e9; None is flat out. The gaps vary from half to one and a half periods.
    seed : int
        Of the vectors and gaps.
    vectors : iterable of int, optional
        The vectors to post, in turn, over and over; by default seeded ones from 0x20 to 0xff.
    urgent : bool
        Whether the thread's posts disregard SN.

    Attributes
    ----------
    posts, merged, coalesced, suppressed, notifications : int
        Posts so far; of these: vector pending already, found ON set, held back by SN, notified.
    """

    def __init__(
        self,
        pi: PiDesc,
        posts_per_second: float | None = None,
        *,
        seed: int = 0,
        vectors: Iterable[int] | None = None,
        urgent: bool = False,
    ) -> None:
        period = period_ns(posts_per_second)
        chosen = [integer("vector", vector, 0, 255) for vector in vectors or ()]
        if len(chosen) > 256:
            raise ValueError(_("{count} vectors are too many; give 256 at most").format(count=len(chosen)))
        integer("seed", seed, 0, 2**63)

        def new(memory: Any) -> Any:
            # a count has one writer: one poster for the thread, one for posts by hand
            posters = [lib.poster_new(memory, seed) for _ in range(2)]
            return posters if all(posters) else None

        super().__init__(pi, new, _free_posters)
        thread, hand = self._native
        hand.last = thread.last
        thread.period_ns = period
        thread.urgent = bool(urgent)
        thread.nr_vectors = len(chosen)
        thread.vectors[0 : len(chosen)] = chosen

    def __enter__(self) -> Self:
        with self._lock:
            error = lib.poster_start(self._c[0])
        if error:
            raise OSError(error, os.strerror(error))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        with self._lock:
            if self._native is not None:
                lib.poster_stop(self._native[0])

    def post(self, vector: int, urgent: bool = False) -> str:
        """Post once, from the calling thread.

        Returns
        -------
        str
            What became of it: "notified", "coalesced" or "suppressed".
        """
        integer("vector", vector, 0, 255)
        with self._lock:
            result = lib.poster_post(self._c[1], vector, bool(urgent))
        if result & lib.POST_NOTIFIED:
            return "notified"
        return "coalesced" if result & lib.POST_COALESCED else "suppressed"

    def _sum(self, name: str) -> int:
        return sum(getattr(poster, name) for poster in self._c)

    posts = property(lambda self: self._sum("posts"))
    merged = property(lambda self: self._sum("merged"))
    coalesced = property(lambda self: self._sum("coalesced"))
    suppressed = property(lambda self: self._sum("suppressed"))
    notifications = property(lambda self: self._sum("notifications"))

    @property
    def notified(self) -> tuple[int, int] | None:
        """NV and NDST of the latest notification, or None."""
        control = self._c[0].notified
        return (control >> 16 & 0xFF, control >> 32) if control else None

    def __repr__(self) -> str:
        counts = ", ".join(
            f"{name}={self._sum(name)}" for name in ("posts", "notifications", "coalesced", "suppressed", "merged")
        )
        return f"Iommu({counts})"
