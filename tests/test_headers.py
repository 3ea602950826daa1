"""What the kernel-style headers do in the machine: which operations are atomic, and what counts as a finding."""

import pytest

from cmpx.listings import Listing
from cmpx.toolchain import CompileError

HEADERS = """
#include <cmpx/listing.h>
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/lockref.h>
#include <linux/refcount.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
static unsigned long word;
static int turns;
static LIST_HEAD(list);
static struct { long value; struct list_head entry; } thing;
static DEFINE_SPINLOCK(one);
static DEFINE_SPINLOCK(two);
static long *memory;
"""

# both processes run the statement; afterwards the condition must hold
BOTH = {
    "set_bit": ("set_bit(me, &word);", "word == 3", ""),
    "__set_bit": ("__set_bit(me, &word);", "word == 3", "expect"),
    "change_bit": ("change_bit(0, &word);", "word == 0", ""),
    "__change_bit": ("__change_bit(0, &word);", "word == 0", "expect"),
    "cmpxchg": ("turns += cmpxchg(&word, 0, 1) == 0;", "word == 1", ""),
    "one cmpxchg succeeds": ("if (cmpxchg(&word, 0, 1) == 0) set_bit(8 + me, &word);", "word == 0x101 || word == 0x201", ""),
    "cmpxchg_local": (
        "if (cmpxchg_local(&word, 0, 1) == 0) set_bit(8 + me, &word);", "word == 0x101 || word == 0x201", "expect",
    ),
    "xchg": ("if (!xchg(&word, 1)) turns++;", "turns == 1", ""),
    "trylock": ("if (spin_trylock(&one)) turns++;", "turns == 1", ""),
    "a lock": ("spin_lock(&one); turns++; spin_unlock(&one);", "turns == 2", ""),
    "no lock": ("turns++;", "turns == 2", "expect"),
    "the same lock twice": ("spin_lock(&one); spin_lock(&one);", "true", "deadlock"),
    "two locks crosswise": (
        "spin_lock(me ? &one : &two); spin_lock(me ? &two : &one); spin_unlock(&one); spin_unlock(&two);", "true", "deadlock",
    ),
    "two locks in one order": (
        "spin_lock(&one); spin_lock(&two); turns++; spin_unlock(&two); spin_unlock(&one);", "turns == 2", "",
    ),
    "a list under a lock": (
        "static struct list_head nodes[2]; spin_lock(&one); list_add(&nodes[me], &list); spin_unlock(&one);",
        "list.next->next->next == &list", "",
    ),
}  # fmt: skip

# one process alone
ALONE = {
    "WARN_ON of a truth": ("WARN_ON(turns == 0);", "warn"),
    "WARN_ON of a falsehood": ("if (WARN_ON(turns == 1)) turns = 2;", ""),
    "WARN": ('WARN(turns == 0, "turns = %d\\n", turns);', "warn"),
    "WARN_ON_ONCE": ("WARN_ON_ONCE(!turns);", "warn"),
    "BUG_ON": ("BUG_ON(!turns);", "warn"),
    "assert_spin_locked without": ("assert_spin_locked(&one);", "warn"),
    "assert_spin_locked with": ("spin_lock(&one); assert_spin_locked(&one);", ""),
    "a saturated count": ("refcount_t r; refcount_set(&r, 1); refcount_warn_saturate(&r, REFCOUNT_ADD_OVF);", "warn"),
    "kzalloc is zero": ("memory = kzalloc(8, GFP_KERNEL); WARN_ON(*memory); kfree(memory);", ""),
    "kmalloc is not": ("memory = kmalloc(8, GFP_KERNEL); WARN_ON(!*memory); kfree(memory);", ""),
    "use after kfree": ("memory = kmalloc(8, GFP_KERNEL); kfree(memory); *memory = 1;", "use after free"),
    "kfree twice": ("memory = kmalloc(8, GFP_KERNEL); kfree(memory); kfree(memory);", "double free"),
    "kfree of NULL": ("kfree(NULL);", ""),
    "an entry that left its list": (
        "list_add(&thing.entry, &list); list_del(&thing.entry); WARN_ON(list_empty(thing.entry.next));", "null pointer",
    ),
    "container_of": (
        "struct list_head *entry = &thing.entry;"
        " WARN_ON(container_of(entry, __typeof__(thing), entry) != (void *)&thing);", "",
    ),
    "memset and memcpy": ("unsigned long ones; memset(&ones, 255, 8); memcpy(&word, &ones, 8); WARN_ON(word != ~0ul);", ""),
    "min, max, swap": ("int a = min(1, 2), b = max(1, 2); swap(a, b); WARN_ON(a != 2 || b != 1);", ""),
    "an error as a pointer": ("WARN_ON(!IS_ERR(ERR_PTR(-EBUSY)) || PTR_ERR(ERR_PTR(-EBUSY)) != -EBUSY || IS_ERR(&word));", ""),
    "a lockref in one word": ("BUILD_BUG_ON(sizeof(struct lockref) != sizeof(u64)); turns = 1;", ""),
}  # fmt: skip


def kinds(text: str) -> set[str]:
    return {finding.kind for finding in Listing(HEADERS + text, name="headers").check().findings}


@pytest.mark.parametrize("name", BOTH)
def test_by_two_processes(name):
    statement, condition, kind = BOTH[name]
    processes = "".join(f"PROCESS(p{me}) {{ enum {{ me = {me} }}; {statement} }}\n" for me in (0, 1))
    assert kinds(f'{processes}FINALLY {{ EXPECT({condition}, "not so"); }}') == ({kind} if kind else set())


@pytest.mark.parametrize("name", ALONE)
def test_by_one_process(name):
    statement, kind = ALONE[name]
    assert kinds(f"PROCESS(p) {{ {statement} }}") == ({kind} if kind else set())


@pytest.mark.parametrize("statement", ["cmpxchg64(&turns, 0, 1);", "BUILD_BUG_ON(sizeof(int) == 4);", "kmalloc(1);"])
def test_refused_by_the_compiler(statement):
    with pytest.raises(CompileError):
        kinds(f"PROCESS(p) {{ {statement} }}")
