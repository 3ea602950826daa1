"""What holds for every test here."""

import signal

import pytest

from cmpx import language

# A shell's background job starts with interrupts ignored, and so would each process that a test interrupts.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _english() -> None:
    """Each test begins in English, whatever the machine speaks."""
    language("en")
