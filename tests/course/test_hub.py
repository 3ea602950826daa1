"""A class on one machine: a hub, and users who work in servers of their own, over the network as a browser does."""

import contextlib
import csv
import ctypes
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time
import uuid
from pathlib import Path

import classroom
import nbformat
import psutil
import pytest
import requests
import websocket

ROOT = Path(__file__).parents[2]
PROGRAMS = ROOT / ".venv-hub" / "bin"
SET_CHILD_SUBREAPER = 36

CONFIG = """
load_subconfig({shipped!r})
c.JupyterHub.bind_url = "http://127.0.0.1:{ports[0]}"
c.JupyterHub.hub_port = {ports[1]}
c.TraefikProxy.traefik_api_url = "http://127.0.0.1:{ports[2]}"
c.JupyterHub.authenticator_class = "dummy"
c.Authenticator.allow_all = True
c.JupyterHub.load_groups = {{"teachers": {{"users": ["teacher"]}}}}
# no accounts of the system: everybody is who runs the tests, in a home folder of their own
c.JupyterHub.spawner_class = "simple"
c.SimpleLocalProcessSpawner.home_dir_template = {home!r} + "/{{username}}"
c.Spawner.mem_limit = "1G"
c.Spawner.cpu_limit = {cpus}
c.Spawner.args += ["--allow-root"]
c.Spawner.environment["JUPYTERHUB_ACTIVITY_INTERVAL"] = "1"
"""


def wait(what, seconds=60.0):
    """What `what` returns, once that is true."""
    end = time.monotonic() + seconds
    while not (result := what()):
        assert time.monotonic() < end, f"{what} is not so after {seconds} s"
        time.sleep(0.3)
    return result


def free_ports(number):
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(number)]
        return [each.getsockname()[1] for each in sockets]


def gone(process):
    """Whether a process has ended; if its parent went first, nobody here has asked for its status."""
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def offspring():
    """Every process that comes from this one, even if its parent is gone."""
    return {each for each in psutil.Process().children(recursive=True) if not gone(each)}


class Hub:
    """A hub of its own, at free ports of the loopback; with it goes everything that it started."""

    def __init__(self, folder, idle, cpus):
        ports = free_ports(3)
        self.address = f"127.0.0.1:{ports[0]}"
        self.home, self.exchange, self.log = folder / "home", folder / "exchange", folder / "log"
        self.exchange.mkdir(mode=0o777)
        shipped = str(ROOT / "deploy" / "jupyterhub_config.py")
        (folder / "config.py").write_text(CONFIG.format(shipped=shipped, ports=ports, home=str(self.home), cpus=cpus), "utf-8")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("CMPX_", "JUPYTER", "PYTHON"))}
        settings = {"CMPX_EXCHANGE": str(self.exchange), "CMPX_IDLE": str(idle), "CMPX_LANGUAGE": "zh"}
        path = f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                ["jupyterhub", "--config", folder / "config.py"],
                cwd=folder,
                env={**kept, **settings, "PATH": path},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def answers(self):
        assert self.process.poll() is None, self.log.read_text("utf-8")
        with contextlib.suppress(requests.ConnectionError):
            return requests.get(f"http://{self.address}/hub/health", timeout=10).ok
        return False

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)


@pytest.fixture
def started(tmp_path):
    """Starts hubs; afterwards nothing of them may run."""
    libc, before, hubs = ctypes.CDLL(None), offspring(), []
    libc.prctl(SET_CHILD_SUBREAPER, 1, 0, 0, 0)

    def start(idle=1800, cpus=1):
        hubs.append(Hub(tmp_path, idle, cpus))
        wait(hubs[-1].answers)
        return hubs[-1]

    try:
        yield start
        for hub in hubs:
            hub.stop()
        wait(lambda: not offspring() - before, 20)
    finally:
        libc.prctl(SET_CHILD_SUBREAPER, 0, 0, 0, 0)
        for process in offspring() - before:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()


class User:
    """A user who logs in, starts a server and works there."""

    def __init__(self, hub, name):
        self.hub, self.name = hub, name
        self.home = hub.home / name
        self.session = requests.Session()
        self.url = f"http://{hub.address}/user/{name}/"
        page = self.get(f"http://{hub.address}/hub/login")
        form = {"username": name, "password": "", "_xsrf": self.token("/hub/")}
        page = self.session.post(page.url, data=form, timeout=60)
        page.raise_for_status()
        wait(lambda: "/lab" in self.get(self.url).url, 180)
        self.kernel = self.send("POST", "api/kernels", name="python3")["id"]

    def token(self, path):
        return next(each.value for each in self.session.cookies if each.name == "_xsrf" and each.path == path)

    def get(self, address):
        """A page, by its whole address."""
        page = self.session.get(address, timeout=60)
        page.raise_for_status()
        return page

    def send(self, method, path, **body):
        """Something for the user's own server; what it answers."""
        headers = {"X-XSRFToken": self.token(f"/user/{self.name}/")}
        answer = self.session.request(method, self.url + path, json=body, headers=headers, timeout=120)
        answer.raise_for_status()
        return answer.json()

    def nbgrader(self):
        """What JupyterLab has of nbgrader."""
        page = self.get(self.url + "lab").text
        config = json.loads(re.search(r'<script id="jupyter-config-data"[^>]*>(.*?)</script>', page, re.S)[1])
        assert "@jupyter/nbgrader" in {each["name"] for each in config["federated_extensions"]}
        off = config["disabledExtensions"]
        names = ("assignment-list", "course-list", "create-assignment", "formgrader", "menu", "validate-assignment")
        return {name for name in names if not {"@jupyter/nbgrader", f"@jupyter/nbgrader:{name}"} & set(off)}

    def grader(self, step):
        """A button of the formgrader."""
        answer = self.send("POST", f"formgrader/api/assignment/{ASSIGNMENT}/{step}")
        assert answer["success"], answer

    def assignments(self, action):
        """A button of the list of assignments; what the list says then."""
        method, path = ("POST", f"assignments/{action}") if action else ("GET", "assignments?course_id=cmpx")
        answer = self.send(method, path, course_id="cmpx", assignment_id=ASSIGNMENT)
        assert answer["success"], answer["value"]
        return answer["value"]

    def delete_server(self):
        """Stop the server, as its owner does on the page of the hub."""
        headers = {"X-XSRFToken": self.token("/hub/"), "Referer": f"http://{self.hub.address}/hub/home"}
        address = f"http://{self.hub.address}/hub/api/users/{self.name}/server"
        self.session.delete(address, headers=headers, timeout=60).raise_for_status()

    def start(self, code):
        """Begin to run a cell."""
        cookies = "; ".join(f"{each.name}={each.value}" for each in self.session.cookies)
        address = self.url.replace("http", "ws", 1) + f"api/kernels/{self.kernel}/channels"
        socket = websocket.create_connection(address, cookie=cookies, timeout=120)
        header = {"msg_id": uuid.uuid4().hex, "msg_type": "execute_request", "session": uuid.uuid4().hex, "version": "5.3"}
        content = {"code": code, "silent": False, "store_history": True, "allow_stdin": False, "stop_on_error": True}
        message = {"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"}
        socket.send(json.dumps(message))
        return socket, header["msg_id"]

    def run(self, code):
        """Run a cell; what it printed."""
        socket, question = self.start(code)
        text, ended = [], set()
        with contextlib.closing(socket):
            while len(ended) < 2:
                message = json.loads(socket.recv())
                if message["parent_header"].get("msg_id") != question:
                    continue
                kind, content = message["header"]["msg_type"], message["content"]
                assert kind != "error", "\n".join(content["traceback"])
                if kind == "stream":
                    text.append(content["text"])
                elif kind == "execute_reply" or content.get("execution_state") == "idle":
                    ended.add(kind)
        return "".join(text)

    def run_cells(self, notebook):
        """Run a notebook from top to bottom; what it printed."""
        return "".join(self.run(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code")


ASSIGNMENT = "a2-pre-block"
HANDED_IN = {"wang": "reference", "li": "return_ignored"}


def test_two_students_and_a_teacher(started):
    hub = started()
    teacher = User(hub, "teacher")
    assert "create-assignment" in teacher.nbgrader()
    assert "formgrader" not in teacher.nbgrader()  # a hub lets nobody put it into a frame: it is a page of its own
    assert "nbgrader" in teacher.get(teacher.url + "formgrader").text
    course = teacher.home / "course"
    source = classroom.notebook(ASSIGNMENT, "zh")
    (course / "source" / ASSIGNMENT).mkdir(parents=True)
    shutil.copy(source, course / "source" / ASSIGNMENT)
    for step in ("assign", "release"):
        teacher.grader(step)

    students = {name: User(hub, name) for name in HANDED_IN}
    for name, student in students.items():
        assert student.nbgrader() == {"assignment-list", "course-list", "menu", "validate-assignment"}
        [offered] = student.assignments("")
        assert (offered["assignment_id"], offered["status"]) == (ASSIGNMENT, "released")
        assert student.assignments("fetch")[0]["status"] == "fetched"
        path = f"api/contents/{ASSIGNMENT}/{ASSIGNMENT}.ipynb"
        content = nbformat.from_dict(student.get(student.url + path).json()["content"])
        text = classroom.answer("pre_block", HANDED_IN[name], ASSIGNMENT, name)
        classroom.put("pre_block", text)(content)
        student.send("PUT", path, type="notebook", content=content)
        told = student.run_cells(content)
        assert f"pre_block：{classroom.points('pre_block', HANDED_IN[name]):g} 分" in told
        assert {"submitted"} < {each["status"] for each in student.assignments("submit")}

    wang, li = students.values()
    assert wang.session.get(li.url + "api/contents", timeout=60).status_code == 403
    assert wang.session.get(wang.url + "formgrader/api/assignments", timeout=60).status_code == 404
    language = wang.get(wang.url + "lab/api/settings/@jupyterlab/translation-extension:plugin").json()
    assert language["schema"]["properties"]["locale"]["default"] == "zh_CN"

    teacher.grader("collect")
    teacher.run(f"%%bash\ncd {course}\npython -m cmpx.grading autograde {ASSIGNMENT}")
    for step in ("generate_feedback", "release_feedback"):
        teacher.grader(step)
    teacher.run(f"%%bash\ncd {course}\nnbgrader export")
    with (course / "grades.csv").open(encoding="utf-8") as file:
        scores = {row["student_id"]: float(row["score"]) for row in csv.DictReader(file)}
    assert scores == {name: classroom.points("pre_block", handed_in) for name, handed_in in HANDED_IN.items()}

    for name, student in students.items():
        student.assignments("fetch_feedback")
        [page] = (student.home / ASSIGNMENT / "feedback").glob("*/*.html")
        shown = re.sub("<[^>]*>", "", page.read_text("utf-8"))
        assert f"{scores[name]:g}" in shown


LIMITED = """
import os, subprocess, sys, time
print(len(os.sched_getaffinity(0)))
try:
    bytearray(2 << 30)
except MemoryError:
    print("no memory")
print(len(bytearray(100 << 20)))
begin = time.monotonic()
busy = [subprocess.Popen([sys.executable, "-c", "import time\\nwhile time.process_time() < 2: pass"]) for _ in range(2)]
for each in busy:
    each.wait()
print(time.monotonic() - begin)
"""


def test_limits_act(started):
    processors, memory, little, seconds = User(started(), "ada").run(LIMITED).splitlines()
    assert (processors, memory, little) == ("1", "no memory", str(100 << 20))
    assert float(seconds) > 3.8


RACE = """
import os
from cmpx import Iommu, PiDesc, listing, worker
iommu = Iommu(PiDesc()).__enter__()
listing("pi_post_block", UPDATES=1, POSTS=1).check()
print(os.getppid(), os.getpid(), *(each.process.pid for each in worker._workers.values()))
"""


def test_an_idle_kernel_goes_with_its_race_and_its_sandbox_and_then_the_server(started):
    ada = User(started(idle=12, cpus=2), "ada")
    ada.run("import cmpx")
    server, kernel, sandbox = map(psutil.Process, map(int, ada.run(RACE).split()))
    spent = kernel.cpu_times().user
    wait(lambda: kernel.cpu_times().user > spent + 0.5)  # no cell runs, the race does
    wait(lambda: gone(kernel) and gone(sandbox))
    wait(lambda: ada.get(ada.url + "api/kernels").json() == [])  # it learns of that end a moment later
    assert not gone(server)
    wait(lambda: gone(server))


def test_a_stopped_server_leaves_no_race_behind(started):
    ada = User(started(cpus=2), "ada")
    kernel = psutil.Process(int(ada.run("import os; print(os.getpid())")))
    with contextlib.closing(ada.start("from cmpx import listing; listing('pi_post_block').race(seconds=300)")[0]):
        wait(lambda: len(kernel.children(recursive=True)) == 2)
        racing = kernel.children(recursive=True)
        ada.delete_server()
        wait(lambda: all(map(gone, (kernel, *racing))))
