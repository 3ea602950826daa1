"""One call of cmpxchg(word, old, new) from Python, and the same exchange by other roads; attributes are looked up before."""

import ctypes
import importlib.util
import statistics
import tempfile
import timeit
from typing import Any

import atomics  # type: ignore[import-untyped]
import atomicshm
import cereggii  # type: ignore[import-untyped]
import cffi  # type: ignore[import-untyped]

from cmpx import cmpxchg, u64

_ROUNDS = 61
_CALLS = 5_000
_LARGE = (1 << 62) + 5
_CASES = {
    "small values, success": (5, 5),
    "large values, success": (_LARGE, _LARGE),
    "large values, failure": (_LARGE, _LARGE - 1),
}
_C = """
unsigned long long cas(unsigned long long *place, unsigned long long old, unsigned long long new)
{
	__atomic_compare_exchange_n(place, &old, new, 0, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
	return old;
}
"""


def _compile(folder: str) -> tuple[Any, ctypes.CDLL]:
    """The function above, as a stock cffi module in API mode and as a shared library for ctypes."""
    ffi = cffi.FFI()
    ffi.cdef("unsigned long long cas(unsigned long long *, unsigned long long, unsigned long long);")
    ffi.set_source("bench_cas", _C, extra_compile_args=["-O2"])
    path = ffi.compile(folder)
    spec = importlib.util.spec_from_file_location("bench_cas", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    library = ctypes.CDLL(path)
    library.cas.restype = ctypes.c_uint64
    library.cas.argtypes = [ctypes.POINTER(ctypes.c_uint64), ctypes.c_uint64, ctypes.c_uint64]
    return module, library


def _peers(value: int, cffi_module: Any, library: ctypes.CDLL) -> dict[str, tuple[str, dict[str, object]]]:
    """A statement for each that finds `value` in 8 bytes, where `old` is expected, and the names in it; ours first."""
    native = cffi_module.ffi.new("unsigned long long *", value)
    shared = atomicshm.AtomicU64(atomicshm.AtomicView(bytearray(value.to_bytes(8, "little"))), 0)
    theirs = atomics.atomic(width=8, atype=atomics.UINT)
    theirs.store(value)
    return {
        "cmpx": ("f(x, old, old)", {"f": cmpxchg, "x": u64(value)}),
        "cmpx, a bytearray": ("f(x, old, old)", {"f": cmpxchg, "x": bytearray(value.to_bytes(8, "little"))}),
        "atomicshm": ("f(old, old)", {"f": shared.cas}),
        "cereggii": ("f(old, old)", {"f": cereggii.AtomicInt64(value).compare_and_set}),
        "cffi, API mode": ("f(x, old, old)", {"f": cffi_module.lib.cas, "x": native}),
        "ctypes": ("f(x, old, old)", {"f": library.cas, "x": ctypes.pointer(ctypes.c_uint64(value))}),
        "atomics": ("f(old, old)", {"f": theirs.cmpxchg_strong}),
    }


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        module, library = _compile(folder)
        for case, (value, old) in _CASES.items():
            timers = {
                name: timeit.Timer(statement, globals={"old": old, **names})
                for name, (statement, names) in _peers(value, module, library).items()
            }
            runs = [{name: timer.timeit(_CALLS) / _CALLS * 1e9 for name, timer in timers.items()} for _ in range(_ROUNDS)]
            print(f"{case:25}ns   cmpx / it")
            for name in timers:
                ns = statistics.median(run[name] for run in runs)
                ratio = statistics.median(run["cmpx"] / run[name] for run in runs)
                print(f"  {name:17} {ns:7.0f}   {ratio:9.3f}")


if __name__ == "__main__":
    main()
