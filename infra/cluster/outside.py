"""What the trial needs before it goes into namespaces of its own: programs, images, and an end for all of it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.cluster.apart import GROUP, apart
from infra.cluster.node import PROGRAMS
from infra.images import bases, build
from infra.images.engine import CannotRun, own_engine
from infra.local import ROOT

TOOLS = {
    "unshare": "util-linux",
    "ip": "iproute2",
    "dockerd": "docker.io",
    "iptables": "iptables",
    "etcd": "etcd-server",
    "dnsmasq": "dnsmasq-base",
    "conntrack": "conntrack",
    "socat": "socat",
    "nsenter": "util-linux",
    "openssl": "openssl",
}
"Programs that are used, and Debian's packages with them."
GROUPS = Path("/sys/fs/cgroup")
SHARES, WEIGHT = 16 * 1024, 16 * 100
"What sixteen processes get that have groups of the usual weight, in the words of both kinds of groups."


def require_tools() -> None:
    """Raises `CannotRun` with a sentence that says all that is missing."""
    if os.geteuid() != 0:
        raise CannotRun("run it as root: a node makes networks, mounts and groups of processes")
    if missing := sorted({package for tool, package in TOOLS.items() if shutil.which(tool) is None}):
        raise CannotRun(f"programs are missing: apt-get install --no-install-recommends {' '.join(missing)}")


def provide_kubernetes(folder: Path, say: Callable[[str], None]) -> Path:
    """The folder of the programs, which are built there if they are not yet. Raises `CannotRun`."""
    programs = folder / "bin"
    if all((programs / name).exists() for name in PROGRAMS):
        return programs
    if shutil.which("apt-get") is None:
        raise CannotRun("Kubernetes is built from Debian's source, and this is no Debian")
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "build.log"
    say(f"building Kubernetes in {folder}, once; ten minutes of two cores ({log})")
    with log.open("wb") as output:
        script = [str(Path(__file__).with_name("build-kubernetes")), str(folder)]
        done = subprocess.run(script, stdout=output, stderr=subprocess.STDOUT, check=False)
    if done.returncode != 0:
        raise CannotRun(f"Kubernetes cannot be built: {log.read_text().strip().splitlines()[-1]} (more in {log})")
    return programs


def provide_images(folder: Path, say: Callable[[str], None]) -> list[str]:
    """Builds our images of the present source in an engine of its own; the names of stand-ins among their bases."""
    with own_engine(folder) as docker:
        python = bases.usual_python(ROOT)
        stand_ins = bases.provide(docker, ROOT, folder, python, say)
        build.build_all(docker, ROOT, python)
        return stand_ins


def run_inside(programs: Path, kubectl: str, images: Path, folder: Path) -> int:
    """The exit code of the trial. Whatever it started has ended then."""
    options = ["--programs", programs, "--kubectl", kubectl, "--images", images, "--folder", folder]
    command = [sys.executable, "-P", "-m", "infra.cluster", *map(str, options)]
    _weigh_pods()
    process = subprocess.Popen(apart(command))
    with _nothing_left(process):
        return process.wait()


def _weigh_pods() -> None:
    """A node has its processors for its pods; here they would all together get as much as one process outside."""
    for group, name, weight in ((GROUPS / "cpu" / GROUP, "cpu.shares", SHARES), (GROUPS / GROUP, "cpu.weight", WEIGHT)):
        if (group.parent / "cgroup.procs").exists():  # of groups, there are an old and a new kind
            group.mkdir(exist_ok=True)
            if (group / name).exists():
                (group / name).write_text(str(weight))


@contextmanager
def _nothing_left(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Its end is that of all processes, mounts and networks inside; groups are all that outlives them."""
    try:
        yield
    finally:
        process.kill()
        process.wait()
        for hierarchy in (GROUPS, *GROUPS.iterdir()):
            for path, _, _ in os.walk(hierarchy / GROUP, topdown=False):
                _remove(Path(path))


def _remove(group: Path) -> None:
    try:
        group.rmdir()
    except OSError as error:
        print(f"Warning: {group} is left over: {error.strerror}", file=sys.stderr)
