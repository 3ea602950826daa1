"""From `make lab` to the start page in a browser, everything set up before."""

import json
import os
import signal
import socket
import statistics
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.browser.labserver import chromium

_ROOT = Path(__file__).parents[1]
_RUNS = 3


def _listening(runtime: Path) -> dict[str, Any] | None:
    """The record of the server, once it listens: it writes the record first."""
    try:
        [path] = runtime.glob("jpserver-*.json")
        record: dict[str, Any] = json.loads(path.read_text())
        socket.create_connection(("localhost", record["port"])).close()
    except (OSError, ValueError):
        return None
    return record


def _seconds() -> float:
    """A reader's first time: a home folder that JupyterLab has not seen."""
    with tempfile.TemporaryDirectory() as home, chromium() as browser:
        page = browser.new_page()
        start = time.perf_counter()
        server = subprocess.Popen(
            ["make", "lab", "LAB_ARGS=--no-browser --ServerApp.port=0"],
            cwd=_ROOT,
            env=os.environ | {"HOME": home},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            runtime = Path(home, ".local/share/jupyter/runtime")
            while not (record := _listening(runtime)):
                if server.poll() is not None:
                    raise RuntimeError(f"make lab ended with {server.returncode}")
                time.sleep(0.02)
            page.goto(f"{record['url']}?token={record['token']}")
            page.locator(".jp-Notebook h1").first.wait_for()
            return time.perf_counter() - start
        finally:
            os.killpg(server.pid, signal.SIGTERM)
            server.wait()


def main() -> None:
    """Print the figure beside what it should be."""
    times = [_seconds() for _ in range(_RUNS)]
    print(f"make lab to the start page, s: {statistics.median(times):8.1f}  slowest {max(times):.1f}  (at most 10)")


if __name__ == "__main__":
    main()
