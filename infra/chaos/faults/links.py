"""Faults of the links between hosts: cut altogether, or in one direction. Only where each program has a host."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

from infra.chaos.faults.striking import REDIS, S3, Struck, now_ms
from infra.chaos.network import Network
from infra.chaos.site import Held, Site

OTHERS = 0.25
"Share of the faults that meet a host which no running step needs."


@contextmanager
def cut_link(site: Site, rng: random.Random) -> Iterator[Struck]:
    network, host, struck = _chosen(site, rng)
    with network.unplugged(host):
        yield struck


@contextmanager
def cut_off_redis(site: Site, _: random.Random) -> Iterator[Struck]:
    """A kind of its own, and a fault of Redis: other faults of it are healed over this link."""
    network, struck = _network(site), _struck(site, REDIS, site.held())  # nobody could ask it any more
    with network.unplugged(REDIS):
        yield struck


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
    """A host but that of Redis which some running step needs, or now and then any other one."""
    network, held = _network(site), site.held()
    needed = sorted({S3, *(site.host_of(one.program) for one in held if one.program)})
    others = [host for host in network.hosts if host not in (REDIS, *needed)]
    host = rng.choice(others if rng.random() < OTHERS else needed)
    return network, host, _struck(site, host, held)


def _network(site: Site) -> Network:
    assert site.network is not None
    return site.network


def _struck(site: Site, host: str, held: list[Held]) -> Struck:
    programs = frozenset(name for name in site.programs() if site.host_of(name) == host)
    needing = held if host in (REDIS, S3) else [one for one in held if one.program in programs]
    return Struck(now_ms(), needing, programs, f"the host {host}")
