"""`make lab`: the start page, the interface and the trust that a reader gets."""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import nbformat
import pytest
from nbformat.sign import NotebookNotary

ROOT = Path(__file__).parent.parent
TRANSLATION = "@jupyterlab/translation-extension:plugin"
NOTIFICATION = "@jupyterlab/apputils-extension:notification"


@pytest.fixture(scope="module", params=["en_GB.UTF-8", "zh_CN.UTF-8"])
def lab(request, tmp_path_factory):
    """The server as `make lab` starts it for a reader of this locale: language, home folder, address, token."""
    home = tmp_path_factory.mktemp("home")
    ours = ("CMPX_", "JUPYTER", "LC_", "XDG_")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    environment |= {"HOME": str(home), "LANG": request.param}
    command = [sys.executable, ROOT / "tools/lab.py", "--no-browser", "--ServerApp.port=0"]
    log = home / "log"
    with log.open("w") as stderr, subprocess.Popen(command, env=environment, cwd=ROOT, stderr=stderr) as process:
        record = home / f".local/share/jupyter/runtime/jpserver-{process.pid}.json"
        deadline = time.monotonic() + 180
        try:
            while not answers(record):
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < deadline, "no server after three minutes"
                time.sleep(0.1)
            server = json.loads(record.read_text())
            yield request.param[:2], home, server["url"], server["token"]
        finally:
            process.terminate()


def answers(record):
    """Whether a server listens where its record says: it writes the record first."""
    try:
        server = json.loads(record.read_text())
        ask(f"{server['url']}api", server["token"])
    except (OSError, ValueError):
        return False
    return True


def ask(url, token):
    with urlopen(f"{url}?token={token}", timeout=30) as answer:
        return answer.url, answer.read().decode()


def default(url, token, plugin, name):
    return json.loads(ask(f"{url}lab/api/settings/{plugin}", token)[1])["schema"]["properties"][name]["default"]


def test_the_first_page_is_the_start_page_in_the_language_of_the_reader(lab):
    language, _, url, token = lab
    assert ask(url, token)[0].partition("?")[0] == f"{url}lab/tree/notebooks/{language}/00-start-here.ipynb"


def test_the_interface_speaks_the_language_of_the_reader(lab):
    language, _, url, token = lab
    locale = default(url, token, TRANSLATION, "locale")
    assert locale == {"en": "default", "zh": "zh_CN"}[language]
    if language == "zh":
        words = json.loads(ask(f"{url}lab/api/translations/{locale}", token)[1])["data"]["jupyterlab"]
        assert ["内核"] in words.values()


def test_no_question_about_news(lab):
    _, _, url, token = lab
    assert default(url, token, NOTIFICATION, "fetchNews") == "false"


def test_the_notebooks_of_the_book_are_trusted(lab):
    _, home, _, _ = lab
    notary = NotebookNotary(data_dir=str(home / ".local/share/jupyter"))
    notebooks = [nbformat.read(path, as_version=4) for path in ROOT.glob("notebooks/*/*.ipynb")]
    assert notebooks
    assert all(map(notary.check_signature, notebooks))


def test_nothing_of_nbgrader_is_loaded(lab):
    """It is there for the tests; a reader would wait for it, and see its menus."""
    _, home, url, token = lab
    page = ask(f"{url}lab", token)[1]
    config = json.loads(re.search(r'id="jupyter-config-data"[^>]*>(.*?)</script>', page, re.S)[1])
    assert config["disabledExtensions"].count("@jupyter/nbgrader") == 1
    assert "nbgrader" not in "".join(line for line in (home / "log").read_text().splitlines() if "loaded" in line)
    with pytest.raises(HTTPError, match="404"):
        ask(f"{url}assignments", token)
