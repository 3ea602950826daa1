"""A real JupyterLab server and a real browser, apart from everything else on this machine."""

import contextlib
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

BOOK = Path(__file__).resolve().parents[2]

_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

_OPEN = """async (path) => {
    const app = window.jupyterapp;
    await app.restored;
    const panel = await app.commands.execute("docmanager:open", { path });
    await panel.context.ready;
    await panel.sessionContext.ready;
    await panel.sessionContext.session.kernel.info;
    window.panel = panel;
}"""

_ERRORS = """() => [...window.panel.content.model.cells].flatMap((cell) =>
    (cell.toJSON().outputs ?? []).filter((output) => output.output_type === "error")
        .map((output) => output.ename + ": " + output.evalue + "\\n" + output.traceback.join("\\n")))"""


class Lab:
    """JupyterLab on its own port, with its own home and settings; `folder` is its root.

    It draws the cells in sight; with `whole`, all of them.
    """

    def __init__(self, home: Path, folder: Path, *, whole: bool = False) -> None:
        self.folder = folder
        self.token = secrets.token_hex(16)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        settings = home / "settings"
        settings.mkdir(parents=True)
        overrides = {"@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False}}
        if whole:
            overrides["@jupyterlab/notebook-extension:tracker"] = {"windowingMode": "none"}
        (settings / "overrides.json").write_text(json.dumps(overrides))
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "PYTHONPATH") if name in os.environ}
        self._log = (home / "lab.log").open("w")
        self.process = subprocess.Popen(
            [
                sys.executable,
                *("-m", "jupyterlab", "--no-browser", "--allow-root"),
                "--LabApp.expose_app_in_browser=True",
                f"--LabApp.app_settings_dir={settings}",
                f"--ServerApp.root_dir={folder}",
                f"--ServerApp.port={self.port}",
                "--ServerApp.port_retries=0",
                f"--IdentityProvider.token={self.token}",
            ],
            env=kept | {"HOME": str(home), "JUPYTER_PREFER_ENV_PATH": "1"},
            cwd=folder,
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )
        self.url = f"http://127.0.0.1:{self.port}"
        end = time.monotonic() + 60
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"JupyterLab did not start:\n{(home / 'lab.log').read_text()}")
            time.sleep(0.1)

    def _answers(self) -> bool:
        try:
            self.ask("/api/status")
        except (urllib.error.URLError, ConnectionError):
            return False
        return True

    def ask(self, path: str) -> Any:
        """What the server's REST interface says."""
        request = urllib.request.Request(self.url + path, headers={"Authorization": f"token {self.token}"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def kernel_pid(self) -> int:
        """The process of the kernel that was started last."""
        newest = max(self.ask("/api/sessions"), key=lambda session: session["kernel"]["last_activity"])
        name = newest["kernel"]["id"].encode()
        for entry in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if name in (entry / "cmdline").read_bytes():
                    return int(entry.name)
        raise LookupError(f"no process of kernel {name.decode()}")

    def write(self, name: str, *cells: str) -> str:
        """A notebook of these code cells; returns its path."""
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
        notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook, path)
        return name

    def close(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._log.close()


class Tab:
    """JupyterLab in a browser tab, one notebook open at a time; collects what the console complains about."""

    def __init__(self, browser: Browser, lab: Lab, size: tuple[int, int] = (1280, 900)) -> None:
        self._context = browser.new_context(viewport=ViewportSize(width=size[0], height=size[1]))
        self.page: Page = self._context.new_page()
        self.complaints: list[str] = []
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)
        # A workspace of its own, so that nothing of another tab is restored into this one.
        self.page.goto(f"{lab.url}/lab/workspaces/{secrets.token_hex(4)}?token={lab.token}")
        self.page.wait_for_function("window.jupyterapp")

    def open(self, path: str) -> None:
        """Shows a notebook, its kernel ready: what is run before that would be dropped in silence."""
        self.page.evaluate(_OPEN, path)

    def leave(self) -> None:
        """Closes the notebook and ends its kernel."""
        self.page.evaluate("async () => { await panel.sessionContext.shutdown(); panel.dispose(); }")

    def execute(self, command: str, **arguments: Any) -> None:
        """A command of JupyterLab's; returns when it is done."""
        self.page.evaluate("async ([name, args]) => { await jupyterapp.commands.execute(name, args); }", [command, arguments])

    def run_all(self) -> None:
        self.execute("notebook:run-all-cells")

    def python(self, code: str) -> str:
        """Runs code in the notebook's kernel, outside any cell; returns what it printed."""
        return self.page.evaluate(
            """async (code) => {
                let text = "";
                const future = window.panel.sessionContext.session.kernel.requestExecute({ code });
                future.onIOPub = ({ content }) => (text += content.text ?? (content.traceback ?? []).join("\\n"));
                await future.done;
                return text;
            }""",
            code,
        )

    def errors(self) -> list[str]:
        """Error outputs of the notebook's cells."""
        return self.page.evaluate(_ERRORS)

    def close(self) -> None:
        self._context.close()


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """Debian's Chromium, headless."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        raise FileNotFoundError("the browser tests need Chromium: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=_FLAGS)
        try:
            yield browser
        finally:
            browser.close()
