"""Hosts on one machine: each is a network namespace with an address of its own, joined by a switch that is one, too.

It needs root, and the programs `ip` and `nsenter`; single directions of a link are cut with `iptables`. The names carry
the id of the process that made them, so what a killed run has left is known, and removed by the next one.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from infra.chaos.processes import alive
from infra.local import StackError

PREFIX = "reelchaos"
NAME = re.compile(rf"^{PREFIX}-(\d+)-\S+", re.MULTILINE)
SWITCH = "switch"
OUTSIDE = "rwc"
"Beginning of the name of our own interface, by which the users reach the hosts."
INSIDE = "eth0"
"The interface of a host."
NETWORKS = [f"10.213.{number}" for number in range(1, 250)]
"Networks to choose one from that is not in use."
FOLDER = Path("/run/netns")


class Network:
    """The hosts, by name. `users` is the address of whoever is outside, which is this process."""

    def __init__(self, hosts: Sequence[str]) -> None:
        self.hosts = tuple(hosts)
        self._owner = os.getpid()
        network = _free_network()
        self.users = f"{network}.1"
        self.addresses = {host: f"{network}.{number}" for number, host in enumerate(hosts, 2)}

    def prefix(self, host: str) -> list[str]:
        """The words before a command that is to run on this host."""
        return [_program("nsenter"), f"--net={FOLDER / self._name(host)}"]

    @contextmanager
    def unplugged(self, host: str) -> Iterator[None]:
        """The plug of the host is out of the switch while the block lasts."""
        port = ["-n", self._name(SWITCH), "link", "set", self._port(host)]
        _ip(*port, "down")
        try:
            yield
        finally:
            _ip(*port, "up")

    @contextmanager
    def one_way(self, host: str, *, deaf: bool) -> Iterator[None]:
        """The host hears nothing, or nothing is heard of it, while the block lasts."""
        rule = ["INPUT", "-i"] if deaf else ["OUTPUT", "-o"]
        command = [*self.prefix(host), _program("iptables")]
        _run([*command, "-A", *rule, INSIDE, "-j", "DROP"])
        try:
            yield
        finally:
            _run([*command, "-D", *rule, INSIDE, "-j", "DROP"])

    def build(self) -> None:
        """Makes the switch, and plugs in the hosts and the users."""
        switch = self._name(SWITCH)
        _ip("netns", "add", switch)
        _ip("-n", switch, "link", "add", "bridge", "type", "bridge")
        _ip("-n", switch, "link", "set", "bridge", "up")
        for host in self.hosts:
            name = self._name(host)
            _ip("netns", "add", name)
            _ip("-n", switch, "link", "add", self._port(host), "type", "veth", "peer", "name", INSIDE, "netns", name)
            _ip("-n", name, "link", "set", "lo", "up")
            _ip("-n", name, "addr", "add", f"{self.addresses[host]}/24", "dev", INSIDE)
            _ip("-n", name, "link", "set", INSIDE, "up")
            self._plug_in(self._port(host))
        outside = f"{OUTSIDE}{self._owner}"
        _ip("link", "add", outside, "type", "veth", "peer", "name", "users", "netns", switch)
        _ip("addr", "add", f"{self.users}/24", "dev", outside)
        _ip("link", "set", outside, "up")
        self._plug_in("users")

    def _plug_in(self, port: str) -> None:
        _ip("-n", self._name(SWITCH), "link", "set", port, "master", "bridge")
        _ip("-n", self._name(SWITCH), "link", "set", port, "up")

    def _port(self, host: str) -> str:
        return f"port{self.hosts.index(host)}"

    def _name(self, host: str) -> str:
        return f"{PREFIX}-{self._owner}-{host}"


@contextmanager
def network(hosts: Sequence[str]) -> Iterator[Network]:
    """The hosts, until the block ends. Raises `StackError` where they cannot be made."""
    if os.geteuid() != 0:
        raise StackError("hosts of their own are network namespaces, which only root may make: run it as root")
    remove_leftovers()
    made = Network(hosts)
    try:
        made.build()
        yield made
    finally:
        _remove(os.getpid())


def remove_leftovers() -> None:
    """Removes what runs have left whose process is gone."""
    owners = {int(owner) for owner in NAME.findall(_ip("netns", "list"))}
    owners |= {int(owner) for owner in re.findall(rf"\b{OUTSIDE}(\d+)@", _ip("-o", "link"))}
    for owner in owners:
        if not alive(owner):
            _remove(owner)


def leftovers() -> list[str]:
    """The names of the namespaces and interfaces that are there, of any run."""
    names = [name[0] for name in NAME.finditer(_ip("netns", "list"))]
    return names + re.findall(rf"\b{OUTSIDE}\d+(?=@)", _ip("-o", "link"))


def _remove(owner: int) -> None:
    """What is in a namespace goes with it; the two ends of a link go together."""
    with suppress(StackError):
        _ip("link", "del", f"{OUTSIDE}{owner}")
    for found in NAME.finditer(_ip("netns", "list")):
        if int(found[1]) == owner:
            with suppress(StackError):
                _ip("netns", "del", found[0])


def _free_network() -> str:
    used = _ip("-4", "-o", "addr") + _ip("route")
    return next(one for one in NETWORKS[os.getpid() % len(NETWORKS) :] + NETWORKS if f" {one}." not in used)


def _ip(*words: str) -> str:
    return _run([_program("ip"), *words])


def _run(command: Sequence[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise StackError(f"hosts of their own cannot be made here: {(done.stderr or done.stdout).strip()}")
    return done.stdout


def _program(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        raise StackError(f"hosts of their own need the program {name}; install iproute2, util-linux and iptables")
    return path
