"""A class on one machine, with JupyterHub; `docs/classroom` says how to set it up.

Change nothing here: a class's own file starts with ``load_subconfig("…/deploy/jupyterhub_config.py")`` and says what differs.
"""

import os
import sys
from pathlib import Path

from jupyterhub.spawner import LocalProcessSpawner, Spawner

DEPLOY = Path(__file__).parent
LANGUAGE = os.environ.get("CMPX_LANGUAGE", "en")
IDLE = int(os.environ.get("CMPX_IDLE", "1800"))  # seconds

c = get_config()  # noqa: F821

# A proxy that pip installs, where the usual one needs Node.js; it has no business asking the network for news.
c.JupyterHub.proxy_class = "traefik_file"
c.TraefikProxy.extra_static_config = {"global": {"checkNewVersion": False, "sendAnonymousUsage": False}}

# systemd gives each user a control group, which nobody leaves; elsewhere `fence` does what it can.
c.JupyterHub.spawner_class = "systemd" if Path("/run/systemd/system").is_dir() else "localprocess"
c.Spawner.mem_limit = "2G"
c.Spawner.cpu_limit = 2  # below two processors a race shows its recording
c.SystemdSpawner.isolate_tmp = True


def fence(spawner: LocalProcessSpawner) -> None:
    """Put each process of this user under the limits: memory by itself, processors by affinity."""
    processors = sorted(os.sched_getaffinity(0))
    share = max(1, round(spawner.cpu_limit or len(processors)))
    mine = {processors[(spawner.user.id * share + each) % len(processors)] for each in range(share)}
    command = ["taskset", "--cpu-list", ",".join(map(str, sorted(mine)))]
    if spawner.mem_limit:
        command += ["prlimit", f"--data={spawner.mem_limit}"]
    spawner.cmd = [*command, "jupyterhub-singleuser"]


def prepare(spawner: Spawner) -> None:
    """Before a server starts: its limits, and what only teachers have."""
    teacher = any(group.name == "teachers" for group in spawner.user.groups)
    spawner.environment = {**spawner.environment, "JUPYTER_CONFIG_PATH": str(DEPLOY / ("teacher" if teacher else "student"))}
    if isinstance(spawner, LocalProcessSpawner):
        fence(spawner)


c.Spawner.pre_spawn_hook = prepare
c.Spawner.environment = {
    "CMPX_COURSE": os.environ.get("CMPX_COURSE", "cmpx"),
    "CMPX_EXCHANGE": os.environ.get("CMPX_EXCHANGE", "/srv/nbgrader/exchange"),
    "CMPX_LANGUAGE": LANGUAGE,
}
c.Spawner.start_timeout = c.Spawner.http_timeout = 180  # a whole class comes at once
c.Spawner.default_url = "/lab"
c.Spawner.args = [
    f"--LabApp.app_settings_dir={DEPLOY / 'settings' / LANGUAGE}",
    # With a kernel go its native threads and its sandbox. An open page keeps no kernel; a cell that runs does.
    f"--MappingKernelManager.cull_idle_timeout={IDLE}",
    f"--MappingKernelManager.cull_interval={max(1, IDLE // 10)}",
    "--MappingKernelManager.cull_connected=True",
]

c.JupyterHub.services = [
    {
        "name": "idle-culler",
        "command": [
            sys.executable,
            "-m",
            "jupyterhub_idle_culler",
            f"--timeout={2 * IDLE}",
            f"--cull-every={max(1, IDLE // 10)}",
            "--max-age=43200",  # the end of a cell that runs for ever
        ],
    }
]
c.JupyterHub.load_roles = [
    {
        "name": "idle-culler",
        "scopes": ["list:users", "read:users:activity", "read:servers", "delete:servers"],
        "services": ["idle-culler"],
    }
]
