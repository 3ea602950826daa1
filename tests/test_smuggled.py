"""What an answer in C may not say, however it is spelt; and what it may."""

import pytest

from cmpx.course import grade
from cmpx.languages import language

RIGHT = """
#include <linux/atomic.h>
bool get(u32 *count)
{
	u32 old = READ_ONCE(*count);

	do {
		if (old == 0 || old == 0xC0000000)
			return old;
	} while (!try_cmpxchg(count, &old, old + 1));
	return true;
}
"""


def examined(text: str) -> tuple[float, str]:
    language("en")
    cells = [
        ("setup", 'from cmpx.course import Assignment\na3 = Assignment("a3-refcount")', True),
        ("get", text, False),
        ("test", 'a3.examine("get", get)', True),
    ]
    report = grade(cells, "")["test"]
    return report.score, str(report)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ('static void f(void) { asm("nop"); }', "asm"),
        ('#define A asm\nstatic void f(void) { A volatile("nop"); }', "asm"),
        ('static void f(void) { as\\\nm("nop"); }', "asm"),
        ('#define T "nop"\nstatic void f(void) { asm("" T); }', "asm"),
        ('static const char *s = R"( " )"; static void f(void) { asm("nop"); } static const char *t = " ";', "R-string"),
        ("[[gnu::no_sanitize_thread]] static void f(void) {}", "no_sanitize_thread"),
        ("<:<:gnu::no_sanitize_thread:>:> static void f(void) {}", "no_sanitize_thread"),
        ('__attribute__((unused, __no_sanitize__("thread"))) static void f(void) {}', "__no_sanitize__"),
        ("__attribute__((aligned(" + "+".join("1" * 999) + "), naked)) static void f(void) {}", "naked"),
        ('__attribute__((section(".init_array"))) static void *p;', "section"),
        ('void f(void); __attribute__((alias("f"))) void cmpx_expect(const char *, const char *);', "alias"),
        ("#pragma redefine_extname f cmpx_expect", "#pragma redefine_extname"),
        ('_Pragma("GCC optimize(3)")', "#pragma GCC optimize"),
        ("static u32 f(u32 *p) { return *(u32 __seg_gs *)(unsigned long)p; }", "an answer may not use"),
        ("static void f(int *p) { __builtin_ia32_movnti(p, 1); }", "__builtin_ia32_movnti"),
        ("static void *f(void) { return __builtin_frame_address(1); }", "__builtin_frame_address"),
        ("void _init(void) {}", "_init"),
        ("void cmpx_expect(const char *a, const char *b) {}", "cmpx_expect"),
        ('#inc\\ \nlude "/etc/passwd"', "passwd"),
        ('#if 0\n\' /*\n#endif\n#include "/etc/passwd"\n// */', "passwd"),
        ('# 1 "/usr/include/stdint.h" 1 3\n#inc\\ \nlude "/etc/passwd"', "passwd"),
        ("\0", "NUL"),
        ("/* \ud800 */", "no Unicode text"),
        ("static const char s[] = " + '"' + "x" * 300_000 + '";', "bytes"),
    ],
)
def test_what_the_machine_would_not_see_is_refused(text: str, what: str) -> None:
    score, told = examined(RIGHT + text)
    assert score == 0
    assert what in told
    assert "root:" not in told


@pytest.mark.parametrize(
    "text",
    [
        "static inline void f(void) { barrier(); cpu_relax(); }",
        "static noinline __must_check int f(void) { return 1; }",
        "__attribute__((unused, aligned(64))) static const u32 table[] = { 1, 2 };",
        '#pragma GCC diagnostic ignored "-Wunused"',
        '/* asm("nop") __attribute__((naked)) */ static const char *const s __maybe_unused = "asm(\\"nop\\") [[naked]]";',
        "static u32 section(u32 naked) { u32 alias = __builtin_ctz(naked | 1); return alias; }",
        "#include <stdbool.h>\n#include <stdint.h>\n#include <stddef.h>",
        "#include <linux/slab.h>\n#include <linux/llist.h>\n#include <linux/netdevice.h>\n#include <asm/qspinlock.h>",
    ],
)
def test_what_hides_nothing_is_allowed(text: str) -> None:
    score, told = examined(RIGHT + text)
    assert score == 45, told
