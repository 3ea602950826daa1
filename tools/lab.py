"""Open the book in JupyterLab: the start page in the reader's language, the book's notebooks trusted."""

import sys
from pathlib import Path

import nbformat
from jupyterlab.labapp import LabApp  # type: ignore[import-untyped]
from nbformat.sign import NotebookNotary

from cmpx import language

BOOK = Path(__file__).resolve().parents[1]
# nbgrader's, which a reader has no use for, and which take seconds to import
COURSE = ("formgrader", "validate_assignment", "assignment_list", "course_list")


def trust(notebooks: Path) -> None:
    """Sign the book's own notebooks, so that their stored pages run without asking."""
    notary = NotebookNotary()
    for path in notebooks.glob("*/*.ipynb"):
        notary.sign(nbformat.read(path, as_version=4))


def main() -> None:
    """Serve until interrupted; what the command line says comes last and wins."""
    trust(BOOK / "notebooks")
    LabApp.launch_instance(
        [
            "--allow-root",
            f"--ServerApp.root_dir={BOOK}",
            f"--LabApp.default_url=/lab/tree/notebooks/{language()}/00-start-here.ipynb",
            f"--LabApp.app_settings_dir={BOOK / 'tools' / 'settings' / language()}",
            *(f"--ServerApp.jpserver_extensions=nbgrader.server_extensions.{name}=False" for name in COURSE),
            *sys.argv[1:],
        ]
    )


if __name__ == "__main__":
    main()
