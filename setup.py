"""Native modules and generated files; everything else stands in pyproject.toml."""

import runpy
import shutil
import sysconfig
from io import BytesIO
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from setuptools import Extension, setup
from setuptools.command.build_py import build_py


def update(path: Path, content: bytes) -> None:
    """Write `content` unless it stands there already: an unchanged header rebuilds nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_bytes() != content:
        path.write_bytes(content)


def generate() -> None:
    """Write what is derived: the C header of the field table and the compiled catalogues."""
    header = runpy.run_path("cmpx/fields.py")["c_header"]()
    update(Path("csrc/include/generated/pi_desc_fields.h"), header.encode())
    for source in Path("cmpx/locale").rglob("*.po"):
        compiled = BytesIO()
        write_mo(compiled, read_po(BytesIO(source.read_bytes())))
        update(source.with_suffix(".mo"), compiled.getvalue())


class BuildPy(build_py):
    """An installed package carries the C that it prints and compiles; see cmpx/sources.py."""

    def run(self) -> None:
        """Build as ever, then add the C."""
        super().run()
        if not self.editable_mode:
            target = Path(self.build_lib, "cmpx/csrc")
            shutil.copytree("csrc", target, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.py", "__pycache__"))


if sysconfig.get_config_var("Py_GIL_DISABLED"):
    raise SystemExit("cmpx does not support free-threaded Python yet: build it with a standard Python, 3.11 or newer")
generate()
setup(
    ext_modules=[
        Extension(
            "cmpx._words",
            ["csrc/words.c"],
            define_macros=[("Py_LIMITED_API", "0x030B0000")],
            include_dirs=["csrc"],
            depends=["csrc/cmpxchg.h", "csrc/words_doc.h"],
            py_limited_api=True,
        )
    ],
    cmdclass={"build_py": BuildPy},
    cffi_modules=["csrc/build_engine.py:ffibuilder"],
    options={"bdist_wheel": {"py_limited_api": "cp311"}},
)
