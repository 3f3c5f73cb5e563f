"""The number of processor cores this process may use: of the machine, of its affinity, and of its container."""

import math
import os
from collections.abc import Iterator
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")
OWN_GROUPS = Path("/proc/self/cgroup")
V1_FOLDERS = ("cpu", "cpu,cpuacct")
"Folders in which the first version of cgroups keeps the limits of the processor."


def usable_cores() -> int:
    """At least 1. A part of a core counts as one: a step that is slowed down beats a core that idles."""
    return cores_within(len(os.sched_getaffinity(0)), cpu_limit(CGROUPS, OWN_GROUPS))


def cores_within(cores: int, limit: float | None) -> int:
    """The cores of `cores` that a limit of `limit` cores leaves, at least 1."""
    return cores if limit is None else max(1, min(cores, math.ceil(limit)))


def cpu_limit(cgroups: Path, own: Path) -> float | None:
    """The least limit of the groups this process is in, in cores; None without one.

    `cgroups` is where the groups are mounted, `own` the list of the groups of the process.
    """
    limits = [limit for folder in _folders(cgroups, own) if (limit := _limit_of(folder)) is not None]
    return min(limits, default=None)


def _folders(cgroups: Path, own: Path) -> Iterator[Path]:
    """The folders of the process's groups and of all above them, in both versions of cgroups."""
    paths = dict(_own_paths(own))
    for mount, path in [(cgroups, paths.get("", "/")), *((cgroups / one, paths.get("cpu", "/")) for one in V1_FOLDERS)]:
        group = Path(path.lstrip("/"))
        for part in (group, *group.parents):
            yield mount / part  # inside a container the path may be that of the host, and lead nowhere


def _own_paths(own: Path) -> Iterator[tuple[str, str]]:
    """Controller and path of each group, from lines such as `4:cpu,cpuacct:/docker/1f` and `0::/user`."""
    for line in _text(own).splitlines():
        _, controllers, path = line.split(":", 2)
        for controller in controllers.split(","):
            yield controller, path


def _limit_of(folder: Path) -> float | None:
    quota, _, period = _text(folder / "cpu.max").strip().partition(" ")
    if not quota:
        quota, period = _text(folder / "cpu.cfs_quota_us").strip(), _text(folder / "cpu.cfs_period_us").strip()
    if not quota.isdecimal() or not period.isdecimal() or int(period) == 0:
        return None  # there is no such file, or it says `max` or -1
    return int(quota) / int(period)


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
