"""Faults of the links between hosts: cut altogether, or in one direction. Only where each program has a host."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

from infra.chaos.faults.striking import Struck, now_ms
from infra.chaos.network import Network
from infra.chaos.site import Held, Site

NEEDED_BY_ALL = ("redis", "s3")
OTHERS = 0.25
"Share of the faults that meet a host which no running step needs."


@contextmanager
def cut_link(site: Site, rng: random.Random) -> Iterator[Struck]:
    network, host, struck = _chosen(site, rng)
    network.cut(host)
    try:
        yield struck
    finally:
        network.join(host)


@contextmanager
def deafen(site: Site, rng: random.Random) -> Iterator[Struck]:
    """The host speaks, but hears nothing: no answer, and no acknowledgement of what it sends."""
    network, host, struck = _chosen(site, rng)
    with network.one_way(host, deaf=True):
        yield struck


@contextmanager
def silence(site: Site, rng: random.Random) -> Iterator[Struck]:
    """The host hears, but nothing that it says arrives."""
    network, host, struck = _chosen(site, rng)
    with network.one_way(host, deaf=False):
        yield struck


def _chosen(site: Site, rng: random.Random) -> tuple[Network, str, Struck]:
    """A host that some running step needs, or now and then any other one."""
    assert site.network is not None
    held = site.held()
    busy = {site.host_of(one.program) for one in held if one.program}
    needed = [*sorted(busy), *NEEDED_BY_ALL]
    others = [host for host in site.network.hosts if host not in needed]
    host = rng.choice(others if rng.random() < OTHERS else needed)
    programs = frozenset(name for name in site.programs() if site.host_of(name) == host)
    return site.network, host, Struck(now_ms(), _needing(host, programs, held), programs, f"the host {host}")


def _needing(host: str, programs: frozenset[str], held: list[Held]) -> list[Held]:
    return held if host in NEEDED_BY_ALL else [one for one in held if one.program in programs]
