"""Each chapter in a real JupyterLab, run from top to bottom."""

import pytest
from labserver import BOOK, Tab

NOTEBOOKS = sorted(str(path.relative_to(BOOK)) for path in (BOOK / "notebooks").glob("*/*.ipynb"))


@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_chapter_runs_from_top_to_bottom(tab: Tab, notebook: str) -> None:
    tab.open(notebook)
    tab.run_all()
    assert tab.errors() == []
