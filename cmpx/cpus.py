"""How many processors this process may really use at once: a race on one of them shows nothing."""

import math
import os
from pathlib import Path

__all__ = ["cpu_quota", "usable_cpus"]

_SELF = Path("/proc/self")


def usable_cpus() -> int:
    """Whole processors, by affinity and by the quota of the control group."""
    affinity = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, math.floor(min(affinity, cpu_quota())))


def cpu_quota(proc: Path = _SELF) -> float:
    """The tightest quota on the way from this process's control group to the root, in processors; inf without one."""
    if not (proc / "cgroup").exists():
        return math.inf
    groups: dict[str, str] = {}
    for line in (proc / "cgroup").read_text().splitlines():
        _, controllers, group = line.split(":", 2)
        groups |= dict.fromkeys(controllers.split(","), group)
    quotas = [math.inf]
    for line in (proc / "mountinfo").read_text().splitlines():
        where, _, what = line.partition(" - ")
        root, mount = where.split()[3:5]
        kind, _, options = what.split(maxsplit=2)
        # version 1 has a hierarchy a controller; version 2 is one, and names none
        controller = "" if kind == "cgroup2" else "cpu"
        if kind not in ("cgroup", "cgroup2") or controller not in groups or (controller and "cpu" not in options.split(",")):
            continue
        inside = os.path.relpath(groups[controller], root)
        folder = Path(mount) if inside.startswith("..") else Path(mount, inside)
        quotas += [_quota(parent) for parent in (folder, *folder.parents) if parent.is_relative_to(mount)]
    return min(quotas)


def _quota(folder: Path) -> float:
    """What ``cpu.max`` (version 2) or ``cpu.cfs_quota_us`` (version 1) of this group allows."""
    if (folder / "cpu.max").exists():
        quota, period = (folder / "cpu.max").read_text().split()
    elif (folder / "cpu.cfs_quota_us").exists():
        quota, period = ((folder / f"cpu.cfs_{name}_us").read_text().strip() for name in ("quota", "period"))
    else:
        return math.inf
    return math.inf if quota in ("max", "-1") else int(quota) / int(period)
