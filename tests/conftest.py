"""What holds for every test here."""

import signal

import pytest

from cmpx import language, listings, rounds

# A shell's background job starts with interrupts ignored, and so would each process that a test interrupts.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _english() -> None:
    """Each test begins in English, whatever the machine speaks."""
    language("en")


@pytest.fixture
def two_cpus(monkeypatch: pytest.MonkeyPatch) -> None:
    """Race listings also where one processor is usable: the counts are exact there too."""
    for module in (listings, rounds):
        monkeypatch.setattr(module, "usable_cpus", lambda: 2)
