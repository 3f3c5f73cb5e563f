"""A node in a world of its own: what it does to the network, to mounts and to the kernel ends with it.

A kubelet writes to fixed places, and to settings of the kernel that hold for all of a machine; kube-proxy and Docker
fill the tables of the firewall. In namespaces of its own for network, mounts and processes nobody else notices, and
once the first process of these has ended the kernel ends and removes all the rest.
"""

import subprocess
from collections.abc import Sequence
from pathlib import Path

from infra.images.engine import CannotRun

BRIDGE, ADDRESS, NETWORK, SERVICES = "pods0", "10.97.0.1", "10.97.0.1/24", "10.96.0.0/24"
"The bridge of all pods, the node on it, both networks: they may well be those of others outside."
GROUP = "reelwright-trial"
"The group of processes that holds those of all containers."
HIDDEN = ("/run", "/var/lib", "/var/log")
"Folders of the machine in whose place the node has empty ones."
TUNED = {
    "vm/overcommit_memory": "1",
    "vm/panic_on_oom": "0",
    "kernel/panic": "10",
    "kernel/panic_on_oops": "1",
    "kernel/keys/root_maxkeys": "1000000",
    "kernel/keys/root_maxbytes": "25000000",
}
"What a kubelet wants of the kernel. It finds it so, and leaves the real settings as they are."


def apart(command: Sequence[str]) -> list[str]:
    """The command in such a world. A shell is its first process, because that one has to bury all orphans."""
    options = ("--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
    return ["unshare", *options, "sh", "-c", '"$@"; exit $?', "sh", *command]


def prepare(folder: Path) -> None:
    """Inside: empty folders, and a bridge with the node on it. Raises `CannotRun` if `folder` would vanish."""
    for hidden in HIDDEN:
        if folder.is_relative_to(hidden):
            raise CannotRun(f"{folder} is in {hidden}, of which the node has its own; choose a folder elsewhere")
    for hidden in HIDDEN:
        run("mount", "-t", "tmpfs", "tmpfs", hidden)
    for name, value in TUNED.items():
        pretended = folder / "kernel" / name.replace("/", ".")
        pretended.parent.mkdir(parents=True, exist_ok=True)
        pretended.write_text(f"{value}\n")
        run("mount", "--bind", str(pretended), f"/proc/sys/{name}")
    run("ip", "link", "set", "lo", "up")
    run("ip", "link", "add", BRIDGE, "type", "bridge")
    run("ip", "address", "add", NETWORK, "dev", BRIDGE)
    run("ip", "link", "set", BRIDGE, "up")
    # Addresses of services belong to nobody: kube-proxy exchanges them, but only on packets that are sent somewhere.
    run("ip", "route", "add", SERVICES, "dev", BRIDGE)


def run(*command: str, data: bytes | None = None) -> str:
    """The output of a command of the system. Raises `CannotRun` with the last words of one that fails."""
    try:
        done = subprocess.run(command, input=data, capture_output=True, check=False)
    except FileNotFoundError:
        raise CannotRun(f"{command[0]} is missing; docs/kubernetes.md lists what the trial needs") from None
    if done.returncode != 0:
        words = (done.stderr or done.stdout).decode(errors="replace").strip().splitlines()
        raise CannotRun(f"{' '.join(command[:4])} failed: {' '.join(words[-3:])}")
    return done.stdout.decode()
