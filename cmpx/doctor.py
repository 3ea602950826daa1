"""What of the book works on this machine, and what to do about the rest: ``python -m cmpx.doctor``."""

import importlib.metadata
import importlib.util
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from cmpx.cpus import usable_cpus
from cmpx.iommu import Iommu
from cmpx.languages import _
from cmpx.pi_desc import PiDesc
from cmpx.words import cmpxchg, u64

__all__ = ["Check", "Report", "doctor", "find_compiler"]

_FONT = Path(__file__).parent / "fonts/cmpx-cjk.otf"


@dataclass(frozen=True)
class Check:
    """One thing looked at.

    Parameters
    ----------
    name : str
        What it is, in the reader's language.
    state : {"ok", "note", "broken"}
        Whether it works, works in part, or does not.
    found : str
        What is there.
    verdict : str
        What that means for the reader, and the cure if one is needed.
    """

    name: str
    state: str
    found: str
    verdict: str


@dataclass(frozen=True)
class Report:
    """All checks; its text is the report."""

    checks: tuple[Check, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing is broken."""
        return all(check.state != "broken" for check in self.checks)

    def __repr__(self) -> str:
        marks = {"ok": _("ok    "), "note": _("note  "), "broken": _("broken")}
        lines = [_("{mark} {name}: {found}. {verdict}").format(mark=marks[check.state], **vars(check)) for check in self.checks]
        return "\n".join(lines)


def _system() -> Check:
    machine = platform.machine()
    found = f"{platform.system()} {platform.release()} {machine}, Python {platform.python_version()}"
    if sys.platform != "linux":
        return Check(_("system"), "note", found, _("Untested here; on Windows use WSL2."))
    if machine == "x86_64":
        return Check(_("system"), "ok", found, _("All of the book works."))
    return Check(_("system"), "note", found, _("Words and races work; tried under emulation only."))


def _native() -> Check:
    word, pi = u64(5), PiDesc()
    answers = (cmpxchg(word, 5, 7), word.value, Iommu(pi).post(33), pi.on)
    if answers == (5, 7, "notified", 1):
        return Check(_("native code"), "ok", _("a cmpxchg and a post"), _("Words, PiDesc and Iommu work."))
    verdict = _("Wrong answers; build it again: python -m pip install --force-reinstall --no-deps .")
    return Check(_("native code"), "broken", repr(answers), verdict)


def _processors() -> Check:
    usable = usable_cpus()
    found = _("{usable} of {present} usable").format(usable=usable, present=os.cpu_count())
    if usable >= 2:
        return Check(_("processors"), "ok", found, _("Races run on real cores."))
    verdict = _(
        "A race needs two: race() and Racer show a labelled recording. Widen the affinity (taskset) or the container's quota."
    )
    return Check(_("processors"), "note", found, verdict)


def find_compiler() -> list[str] | None:
    """The command of the C compiler: ``$CC``, cc, gcc, clang, one beside Python, or ziglang's; None without one."""
    beside = sorted(Path(sys.prefix, "bin").glob("*-cc"))
    for command in (os.environ.get("CC", ""), "cc", "gcc", "clang", *map(str, beside)):
        words = shlex.split(command)
        if words and shutil.which(words[0]):
            return words
    return [sys.executable, "-m", "ziglang", "cc"] if importlib.util.find_spec("ziglang") else None


def _compiler() -> Check:
    command = find_compiler()
    if command is None:
        verdict = _("Reading the book needs none; building cmpx from source does: install gcc or clang.")
        return Check(_("C compiler"), "note", _("none"), verdict)
    try:
        answer = subprocess.run([*command, "--version"], capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):
        verdict = _("It does not run; set CC to a compiler that does.")
        return Check(_("C compiler"), "note", shlex.join(command), verdict)
    version = answer.stdout.partition("\n")[0]
    found = f"{shlex.join(command)}, {version}"
    return Check(_("C compiler"), "ok", found, _("cmpx can be built from source."))


def _font() -> Check:
    if _FONT.exists():
        return Check(_("font"), "ok", _FONT.name, _("Plots can write Chinese."))
    verdict = _("Plots cannot write Chinese; install cmpx again.")
    return Check(_("font"), "broken", _("{name} is missing").format(name=_FONT.name), verdict)


def _packages() -> Check:
    try:
        wanted = importlib.metadata.requires("cmpx") or []
    except importlib.metadata.PackageNotFoundError:
        verdict = _("Other folders cannot import it; run: python -m pip install -e .")
        return Check(_("packages"), "note", _("cmpx is not installed"), verdict)
    names = [re.split(r"[^\w.-]", requirement)[0] for requirement in wanted if "extra ==" not in requirement]
    versions, missing = [], []
    for name in sorted(["cmpx", *names], key=str.lower):
        try:
            versions.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            missing.append(name)
    if missing:
        verdict = _("Missing: {names}; run: python -m pip install {names}").format(names=" ".join(missing))
        return Check(_("packages"), "broken", ", ".join(versions), verdict)
    return Check(_("packages"), "ok", ", ".join(versions), _("All are there."))


def doctor() -> Report:
    """Look at system, native code, processors, compiler, font and packages, and say what works."""
    return Report((_system(), _native(), _processors(), _compiler(), _font(), _packages()))


if __name__ == "__main__":
    report = doctor()
    print(report)
    sys.exit(not report.ok)
