"""One JupyterLab and one browser for all tests here; each test opens its own notebook."""

import shutil
from collections.abc import Iterator

import pytest
from labserver import BOOK, Lab, Tab, chromium
from playwright.sync_api import Browser

# JupyterLab may still look for the focus, or ask the debugger, of the notebook that was just closed.
_CLOSING = ("_ensureFocus", "debugger state")


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    folder = tmp_path_factory.mktemp("book")
    shutil.copytree(BOOK / "notebooks", folder / "notebooks")
    server = Lab(tmp_path_factory.mktemp("home"), folder)
    yield server
    server.close()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with chromium() as program:
        yield program


@pytest.fixture(scope="session")
def window(lab: Lab, browser: Browser) -> Iterator[Tab]:
    tab = Tab(browser, lab)
    yield tab
    tab.close()


@pytest.fixture
def tab(window: Tab) -> Iterator[Tab]:
    """Opens one notebook; nothing that the console complains about is forgiven."""
    yield window
    window.leave()
    complaints = [complaint for complaint in window.complaints if not any(said in complaint for said in _CLOSING)]
    window.complaints.clear()
    assert complaints == []
