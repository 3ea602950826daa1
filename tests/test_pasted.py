"""Kernel functions pasted into a listing as they stand: our own text of each by default, the kernel's where it is given.

The kernel's code is under another licence, so none is here. Put ``llist_add_batch.c`` and so on, each with the text of one
function, into a folder and name it in ``CMPX_KERNEL_TEXTS``: it then takes the place of ours, and is checked unmodified.
"""

import os
import re
from pathlib import Path

import pytest

from cmpx.listings import Listing

OURS = sorted(Path(__file__).with_name("pasted").glob("*.c"))
THEIRS = sorted(Path(os.environ["CMPX_KERNEL_TEXTS"]).glob("*.c")) if "CMPX_KERNEL_TEXTS" in os.environ else []
FUNCTIONS = """
    pi_post_block pi_try_set_control llist_add_batch llist_del_first llist_del_all refcount_add_not_zero lockref errseq_set
    set_mask_bits napi_schedule_prep queued_spin_trylock atomic_fetch_add_unless
"""
TEXT = re.compile(r"/\* text \*/\n(.*?)/\* end of text \*/\n", re.S)

# every exchange torn into a read and a write
TORN = """
#define TORN_CAS(ptr, oldp, new) ({ \\
	__typeof__(*(ptr)) torn_ = READ_ONCE(*(ptr)); \\
	bool same_ = torn_ == *(oldp); \\
	if (same_) \\
		WRITE_ONCE(*(ptr), (new)); \\
	else \\
		*(oldp) = torn_; \\
	same_; })
#undef cmpxchg
#undef cmpxchg64
#undef try_cmpxchg
#undef try_cmpxchg64
#undef try_cmpxchg64_relaxed
#undef xchg
#define cmpxchg(ptr, old, new) ({ __typeof__(*(ptr)) old_ = (old); TORN_CAS(ptr, &old_, new); old_; })
#define cmpxchg64 cmpxchg
#define try_cmpxchg TORN_CAS
#define try_cmpxchg64 TORN_CAS
#define try_cmpxchg64_relaxed TORN_CAS
#define xchg(ptr, new) ({ __typeof__(*(ptr)) old_ = READ_ONCE(*(ptr)); WRITE_ONCE(*(ptr), (new)); old_; })
#define atomic_try_cmpxchg(v, old, new) TORN_CAS(&(v)->counter, old, new)
#define atomic_try_cmpxchg_relaxed atomic_try_cmpxchg
#define atomic_try_cmpxchg_acquire atomic_try_cmpxchg
"""


def frame_of(theirs: Path) -> Path:
    return Path(__file__).with_name("pasted") / (theirs.stem.strip("_") + ".c")


def pasted(theirs: Path) -> str:
    """Our frame around the kernel's text."""
    frame = frame_of(theirs).read_text(encoding="utf-8")
    name = re.search(r"^ \* (\w+) stands for (\w+)\.$", frame, re.M)
    alias = f"#define {name[1]} {name[2]}\n" if name else ""
    text = theirs.read_text(encoding="utf-8")
    return TEXT.sub(lambda match: f"/* text */\n{text}\n/* end of text */\n{alias}", frame)


SOURCES = {path.stem: path.read_text(encoding="utf-8") for path in OURS} | {
    f"kernel's {path.stem}": pasted(path) for path in THEIRS
}  # fmt: skip


def test_all_are_there():
    assert {path.stem for path in OURS} == set(FUNCTIONS.split())
    assert all(frame_of(path).exists() for path in THEIRS)


@pytest.mark.parametrize("memory", ["sc", "tso"])
@pytest.mark.parametrize("level", ["0", "2"])
@pytest.mark.parametrize("name", SOURCES)
def test_holds(name, level, memory):
    verdict = Listing(SOURCES[name], name="pasted").check(memory, optimise=level)
    assert verdict.status == "holds", str(verdict)


@pytest.mark.parametrize("name", SOURCES)
def test_fails_if_its_exchanges_are_torn(name):
    torn = SOURCES[name].replace("/* text */", TORN + "/* text */")
    verdict = Listing(torn, name="pasted").check()
    assert verdict.status == "fails", str(verdict)
    assert verdict.counterexample.steps
