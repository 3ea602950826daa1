"""environment.yml, pyproject.toml and constraints.txt say the same."""

import copy
import re
import tomllib
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
ENVIRONMENT = yaml.safe_load((ROOT / "environment.yml").read_text("utf-8"))
PINS = (ROOT / "constraints.txt").read_text("utf-8").splitlines()

CONDA_NAMES = {"matplotlib": "matplotlib-base"}  # without its Qt
CONDA_ONLY = {"c-compiler", "pip"}  # what a machine without conda has from elsewhere


def required(project):
    """What must be installed to build and to read the book, as (conda name, range) pairs."""
    texts = project["build-system"]["requires"] + project["project"]["dependencies"]
    requirements = [Requirement(text) for text in texts]
    pairs = {(canonicalize_name(each.name), each.specifier) for each in requirements}
    return {(CONDA_NAMES.get(name, name), span) for name, span in pairs} | {
        ("python", SpecifierSet(project["project"]["requires-python"]))
    }


def offered(environment):
    """What environment.yml installs, as the same pairs."""
    texts = [entry for entry in environment["dependencies"] if isinstance(entry, str)]
    requirements = [Requirement(text) for text in texts]
    return {(each.name, each.specifier) for each in requirements if each.name not in CONDA_ONLY}


def test_names_and_ranges_agree_both_ways():
    assert offered(ENVIRONMENT) == required(PROJECT)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("numpy >=2,<3", "numpy >=1,<3"),
        ("numpy >=2,<3", "numpy"),
        ("numpy >=2,<3", None),
        ("matplotlib-base >=3.9,<4", "matplotlib >=3.9,<4"),
        ("python >=3.11", "python >=3.10"),
        ("python >=3.11", "scipy"),
    ],
)
def test_a_difference_shows(before, after):
    environment = copy.deepcopy(ENVIRONMENT)
    place = environment["dependencies"].index(before)
    environment["dependencies"][place : place + 1] = [after] if after else []
    assert offered(environment) != required(PROJECT)


def test_conda_brings_the_compiler_and_installs_the_package():
    assert set(ENVIRONMENT["dependencies"][1:3]) == CONDA_ONLY
    assert ENVIRONMENT["dependencies"][-1] == {"pip": ["-e ."]}
    assert ENVIRONMENT["channels"] == ["conda-forge", "nodefaults"]


def pinned():
    return {canonicalize_name(name): version for name, _, version in (line.partition("==") for line in PINS[1:])}


def test_each_line_of_the_constraints_is_one_exact_version():
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][A-Za-z0-9.]*", line) for line in PINS[1:])
    assert len(pinned()) == len(PINS) - 1


def direct():
    extras = PROJECT["project"]["optional-dependencies"].values()
    groups = [PROJECT["build-system"]["requires"], PROJECT["project"]["dependencies"], *extras]
    return [Requirement(text) for group in groups for text in group]


@pytest.mark.parametrize("requirement", direct(), ids=str)
def test_the_tested_version_lies_in_the_range(requirement):
    assert pinned()[canonicalize_name(requirement.name)] in requirement.specifier


def test_what_comes_along_is_pinned_too():
    reached, waiting = set(), direct()
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        key = (name, frozenset(requirement.extras))
        if key in reached:
            continue
        reached.add(key)
        try:
            texts = requires(name) or []
        except PackageNotFoundError:
            continue  # an extra that is not installed here
        for each in map(Requirement, texts):
            if each.marker is None or any(each.marker.evaluate({"extra": extra}) for extra in requirement.extras | {""}):
                waiting.append(each)
    assert len(reached) > 50
    assert {name for name, _ in reached} <= pinned().keys()
