"""What holds for every test here."""

import signal

import pytest

from cmpx import language

# These time threads or drive a browser: `make test` gives them the cores, after the rest.
ALONE = {"browser", "test_iommu.py", "test_racing.py", "test_rounds.py", "test_widgets.py"}

# A shell's background job starts with interrupts ignored, and so would each process that a test interrupts.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(tryfirst=True)  # before pytest looks at the markers
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if ALONE.intersection(item.path.parts):
            item.add_marker("alone")


@pytest.fixture(autouse=True)
def _english() -> None:
    """Each test begins in English, whatever the machine speaks."""
    language("en")
