"""Learn lock-free programming from the Linux kernel's cmpxchg."""

from cmpx.iommu import Iommu
from cmpx.languages import language
from cmpx.listings import Listing, listing
from cmpx.pi_desc import PiDesc
from cmpx.racing import race
from cmpx.words import (
    cmpxchg,
    cmpxchg64,
    cmpxchg_acquire,
    cmpxchg_relaxed,
    cmpxchg_release,
    try_cmpxchg,
    u8,
    u16,
    u32,
    u64,
    xchg,
)

__all__ = [
    "Iommu",
    "Listing",
    "PiDesc",
    "cmpxchg",
    "cmpxchg64",
    "cmpxchg_acquire",
    "cmpxchg_relaxed",
    "cmpxchg_release",
    "language",
    "listing",
    "race",
    "try_cmpxchg",
    "u8",
    "u16",
    "u32",
    "u64",
    "xchg",
]
