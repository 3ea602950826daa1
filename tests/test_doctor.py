"""What doctor() and usable_cpus() find, on made-up machines."""

import math
import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from cmpx import cpus, doctor, language
from cmpx.cpus import cpu_quota, usable_cpus
from cmpx.doctor import find_compiler

ROOT = Path(__file__).parent.parent


@pytest.fixture(autouse=True)
def _english():
    before = language()
    language("en")
    yield
    language(before)


def group(folder, **files):
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("_max", ".max").replace("cpu_cfs", "cpu.cfs")).write_text(f"{text}\n")


class TestQuota:
    @pytest.fixture
    def proc(self, tmp_path):
        def write(cgroup, mountinfo):
            (tmp_path / "cgroup").write_text(cgroup)
            (tmp_path / "mountinfo").write_text(mountinfo.format(tmp=tmp_path))
            return tmp_path

        return write

    V2 = "30 23 0:26 / {tmp}/fs rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n"
    V1 = (
        "22 1 8:1 / / rw - ext4 /dev/sda rw\n"
        "32 31 0:29 {root} {{tmp}}/fs/cpu rw,relatime - cgroup cgroup rw,cpu,cpuacct\n"
        "33 31 0:30 / {{tmp}}/fs/cpuset rw,relatime shared:4 - cgroup cgroup rw,cpuset\n"
    )

    @pytest.mark.parametrize(
        ("quotas", "expected"),
        [
            ({"a": "max 100000", "a/b": "150000 100000"}, 1.5),
            ({"a": "300000 100000", "a/b": "max 100000"}, 3),
            ({"a": "50000 100000", "a/b": "400000 100000"}, 0.5),
            ({"a": "max 100000", "a/b": "max 100000"}, math.inf),
            ({}, math.inf),
        ],
    )
    def test_version_2_is_the_tightest_on_the_way_up(self, tmp_path, proc, quotas, expected):
        for name, text in quotas.items():
            group(tmp_path / "fs" / name, cpu_max=text)
        assert cpu_quota(proc("0::/a/b\n", self.V2)) == expected

    @pytest.mark.parametrize(("quota", "expected"), [("250000", 2.5), ("-1", math.inf)])
    @pytest.mark.parametrize("root", ["/", "/docker/x"])
    def test_version_1(self, tmp_path, proc, quota, expected, root):
        """A container sees its own group as the root of the mount."""
        folder = tmp_path / "fs/cpu" / Path("/docker/x").relative_to(root)
        group(folder, cpu_cfs_quota_us=quota, cpu_cfs_period_us="100000")
        group(tmp_path / "fs/cpuset/docker/x", cpu_cfs_quota_us="1", cpu_cfs_period_us="100000")
        cgroup = "4:cpuset:/docker/x\n3:cpu,cpuacct:/docker/x\n1:name=systemd:/docker/x\n0::/\n"
        assert cpu_quota(proc(cgroup, self.V1.format(root=root))) == expected

    def test_a_group_outside_the_mount(self, tmp_path, proc):
        group(tmp_path / "fs", cpu_max="200000 100000")
        assert cpu_quota(proc("0::/../elsewhere\n", self.V2)) == 2

    def test_no_control_groups(self, tmp_path):
        assert cpu_quota(tmp_path) == math.inf

    def test_this_machine(self):
        assert cpu_quota() > 0


class TestUsable:
    @pytest.mark.parametrize(
        ("affinity", "quota", "expected"),
        [(8, math.inf, 8), (8, 2.9, 2), (2, 4, 2), (8, 1.5, 1), (4, 0.2, 1), (1, math.inf, 1)],
    )
    def test_whole_processors_and_never_none(self, monkeypatch, affinity, quota, expected):
        monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: set(range(affinity)), raising=False)
        monkeypatch.setattr(cpus, "cpu_quota", lambda: quota)
        assert usable_cpus() == expected

    def test_affinity_is_obeyed(self):
        one = min(os.sched_getaffinity(0))
        code = f"import os; os.sched_setaffinity(0, {{{one}}}); from cmpx.cpus import usable_cpus; print(usable_cpus())"
        env = os.environ | {"PYTHONPATH": str(ROOT)}
        assert subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True).stdout == "1\n"


class TestCompiler:
    @pytest.fixture
    def machine(self, tmp_path, monkeypatch):
        """A machine with only these programs; the rest of its PATH is gone."""

        def build(*names, script="#!/bin/sh\necho made up 1.0\n"):
            for name in names:
                (tmp_path / "bin").mkdir(exist_ok=True)
                (tmp_path / "bin" / name).write_text(script)
                (tmp_path / "bin" / name).chmod(0o755)
            return tmp_path / "bin"

        monkeypatch.delenv("CC", raising=False)
        monkeypatch.setenv("PATH", str(tmp_path / "bin"))
        monkeypatch.setattr(sys, "prefix", str(tmp_path / "elsewhere"))
        monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
        return build

    def test_in_this_order(self, machine, monkeypatch, tmp_path):
        assert find_compiler() is None
        monkeypatch.setattr("importlib.util.find_spec", lambda name: name if name == "ziglang" else None)
        assert find_compiler() == [sys.executable, "-m", "ziglang", "cc"]
        machine("x86_64-conda-linux-gnu-cc")
        monkeypatch.setattr(sys, "prefix", str(tmp_path))
        assert find_compiler() == [str(tmp_path / "bin/x86_64-conda-linux-gnu-cc")]
        for name in ("clang", "gcc", "cc"):
            machine(name)
            assert find_compiler() == [name]
        machine("mine")
        monkeypatch.setenv("CC", "mine -m64")
        assert find_compiler() == ["mine", "-m64"]
        monkeypatch.setenv("CC", "absent")
        assert find_compiler() == ["cc"]

    def test_the_report_names_it(self, machine):
        machine("cc")
        assert "ok     C compiler: cc, made up 1.0. " in repr(doctor.doctor())

    @pytest.mark.parametrize("script", ["#!/bin/sh\nexit 1\n", "#!/absent\n"])
    def test_one_that_does_not_run(self, machine, script):
        machine("cc", script=script)
        assert "note   C compiler: cc. It does not run; set CC to a compiler that does." in repr(doctor.doctor())

    def test_none_is_no_reason_to_stop(self, machine):
        report = doctor.doctor()
        assert "note   C compiler: none. Reading the book needs none" in repr(report)
        assert not [check for check in report.checks if check.state == "broken"]


class TestReport:
    def test_one_line_a_check(self):
        report = doctor.doctor()
        assert len(repr(report).splitlines()) == len(report.checks) == 6
        assert repr(report) == repr(doctor.doctor())

    @pytest.mark.parametrize(("count", "state"), [(1, "note"), (2, "ok")])
    def test_processors(self, monkeypatch, count, state):
        monkeypatch.setattr(doctor, "usable_cpus", lambda: count)
        check = doctor._processors()
        assert check.state == state
        assert check.found == f"{count} of {os.cpu_count()} usable"
        assert ("recording" in check.verdict) == (state == "note")

    def test_wrong_native_answers(self, monkeypatch):
        monkeypatch.setattr(doctor, "cmpxchg", lambda *_: 7)
        assert doctor._native().state == "broken"
        assert not doctor.doctor().ok

    @pytest.mark.parametrize(
        ("platform", "machine", "state"), [("linux", "x86_64", "ok"), ("linux", "aarch64", "note"), ("darwin", "arm64", "note")]
    )
    def test_system(self, monkeypatch, platform, machine, state):
        monkeypatch.setattr(sys, "platform", platform)
        monkeypatch.setattr("platform.machine", lambda: machine)
        assert doctor._system().state == state

    def test_font(self, monkeypatch, tmp_path):
        assert doctor._font().state == "ok"
        monkeypatch.setattr(doctor, "_FONT", tmp_path / "cmpx-cjk.otf")
        check = doctor._font()
        assert (check.state, check.found) == ("broken", "cmpx-cjk.otf is missing")

    def test_packages(self, monkeypatch):
        monkeypatch.setattr(
            metadata, "requires", lambda _name: ["numpy>=2,<3", "jupyterlab-language-pack-zh-CN>=4", 'x; extra == "test"']
        )
        monkeypatch.setattr(metadata, "version", lambda _name: "4.5")
        check = doctor._packages()
        assert (check.state, check.found) == ("ok", "cmpx 4.5, jupyterlab-language-pack-zh-CN 4.5, numpy 4.5")

    def test_missing_package(self, monkeypatch):
        def version(name):
            if name == "numpy":
                raise metadata.PackageNotFoundError(name)
            return "4.5"

        monkeypatch.setattr(metadata, "requires", lambda _name: ["numpy>=2,<3", "matplotlib>=3"])
        monkeypatch.setattr(metadata, "version", version)
        check = doctor._packages()
        assert (check.state, check.verdict) == ("broken", "Missing: numpy; run: python -m pip install numpy")

    def test_not_installed(self, monkeypatch):
        def requires(name):
            raise metadata.PackageNotFoundError(name)

        monkeypatch.setattr(metadata, "requires", requires)
        assert "run: python -m pip install -e ." in doctor._packages().verdict

    @pytest.mark.parametrize(("name", "mark"), [("en", "ok     native code: "), ("zh", "正常 原生代码：")])
    def test_as_a_command(self, name, mark):
        env = os.environ | {"PYTHONPATH": str(ROOT), "CMPX_LANGUAGE": name}
        run = subprocess.run([sys.executable, "-m", "cmpx.doctor"], env=env, capture_output=True, text=True)
        assert (run.returncode, run.stderr) == (0, "")
        assert mark in run.stdout

    def test_the_exit_code_says_broken(self, tmp_path):
        code = (
            "import runpy, cmpx.words; cmpx.words.cmpxchg = lambda *_: 7; runpy.run_module('cmpx.doctor', run_name='__main__')"
        )
        env = os.environ | {"PYTHONPATH": str(ROOT), "CMPX_LANGUAGE": "en"}
        run = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)
        assert run.returncode == 1
        assert "broken native code" in run.stdout
