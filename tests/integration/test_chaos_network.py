"""Hosts in network namespaces: they reach each other until a link is cut, and none of them is left."""

import os
import shutil
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from infra.chaos.network import Network, leftovers, network, remove_leftovers
from infra.local import StackError
from tests.support.api_server import ROOT
from tests.support.waiting import eventually

NEEDED = ("ip", "nsenter", "iptables")
pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or not all(map(shutil.which, NEEDED)), reason=f"needs root, and {', '.join(NEEDED)}"
)
PORT = 8000
SERVER = """
import socket, sys
with socket.create_server((sys.argv[1], int(sys.argv[2]))) as server:
    while True:
        server.accept()[0].close()
"""
ASK = """
import socket, sys
socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=1.0).close()
"""


@contextmanager
def server(net: Network, host: str) -> Iterator[None]:
    address = net.addresses[host]
    process = subprocess.Popen([*net.prefix(host), sys.executable, "-c", SERVER, address, str(PORT)])
    try:
        eventually(lambda: reaches(net, "", host))
        yield
    finally:
        process.kill()
        process.wait()


def reaches(net: Network, one: str, other: str) -> bool:
    """Whether a host (or whoever is outside) gets a connection to the server of another."""
    prefix = net.prefix(one) if one else []
    command = [*prefix, sys.executable, "-c", ASK, net.addresses[other], str(PORT)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def test_hosts_reach_each_other_until_a_link_is_cut_and_again_when_it_is_joined() -> None:
    with network(["a", "b"]) as net, server(net, "a"), server(net, "b"):
        assert reaches(net, "b", "a")
        with net.unplugged("a"):
            assert not reaches(net, "b", "a")
            assert not reaches(net, "a", "b")
            assert reaches(net, "", "b"), "the others still have their links"
        eventually(lambda: reaches(net, "b", "a"))
        for deaf in (True, False):
            with net.one_way("a", deaf=deaf):
                assert not reaches(net, "b", "a")
            eventually(lambda: reaches(net, "b", "a"))
    assert not any(f"-{os.getpid()}-" in name for name in leftovers())


def test_hosts_of_a_killed_run_are_removed_by_the_next_one_and_those_of_a_living_one_are_not() -> None:
    killed = textwrap.dedent("""
        import os, signal
        from infra.chaos.network import Network
        Network(["a", "b"]).build()
        os.kill(os.getpid(), signal.SIGKILL)
    """)
    process = subprocess.Popen([sys.executable, "-c", killed], cwd=ROOT)
    assert process.wait() == -signal.SIGKILL
    mine = {f"reelchaos-{process.pid}-{host}" for host in ("a", "b", "switch")} | {f"rwc{process.pid}"}
    assert mine <= set(leftovers())
    with network(["c"]) as net:
        assert not mine & set(leftovers())
        remove_leftovers()
        assert f"reelchaos-{os.getpid()}-c" in leftovers()
        assert len(net.addresses) == 1


def test_a_network_that_cannot_be_made_is_told_and_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(StackError, match="only root may make"), network(["a"]):
        raise AssertionError("it was made")
