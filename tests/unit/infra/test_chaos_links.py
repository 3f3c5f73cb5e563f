"""Which link a fault cuts, and what it takes to be hit by that, with a site that nobody reaches once it is cut off."""

import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from infra.chaos.faults.links import cut_link, cut_off_redis
from infra.chaos.site import Held

SPOKEN, DRAWN = Held("job_1", "speak:s1", 7, 1, "whisper_worker"), Held("job_1", "segment:s1.0", 8, 1, "renderer")


class Net:
    hosts = ("redis", "s3", "api", "whisper_worker", "renderer", "renderer.2")

    def __init__(self) -> None:
        self.cut = ""

    @contextmanager
    def unplugged(self, host: str) -> Iterator[None]:
        self.cut = host
        yield
        self.cut = ""


class Site:
    def __init__(self) -> None:
        self.network = Net()

    def held(self) -> list[Held]:
        return [] if self.network.cut == "redis" else [SPOKEN, DRAWN]

    def programs(self) -> Mapping[str, int]:
        return {name: number for number, name in enumerate((*Net.hosts, "front"))}

    def host_of(self, program: str) -> str:
        return {"front": "api"}.get(program, program)


def test_redis_that_is_cut_off_hits_every_running_step() -> None:
    site = Site()
    with cut_off_redis(site, random.Random(1)) as struck:  # type: ignore[arg-type]
        assert site.network.cut == "redis"
        assert struck.held == [SPOKEN, DRAWN]
        assert struck.programs == {"redis"}
    assert site.network.cut == ""


def test_a_link_that_is_cut_hits_the_steps_that_need_it_and_is_mostly_one_that_some_step_needs() -> None:
    hit: dict[str, list[Held]] = {}
    cuts: list[str] = []
    for seed in range(200):
        site = Site()
        with cut_link(site, random.Random(seed)) as struck:  # type: ignore[arg-type]
            host = site.network.cut
            cuts.append(host)
            hit[host] = list(struck.held)
            assert struck.programs == ({"api", "front"} if host == "api" else {host})
    assert hit == {
        "s3": [SPOKEN, DRAWN],
        "whisper_worker": [SPOKEN],
        "renderer": [DRAWN],
        "renderer.2": [],
        "api": [],
    }
    assert sum(map(cuts.count, ("s3", "whisper_worker", "renderer"))) > 100
