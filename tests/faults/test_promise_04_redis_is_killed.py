"""Promise 4: what was accepted before Redis was killed is there afterwards, and so is what it was working on."""

import signal

import pytest

from infra.chaos.faults.striking import heal
from infra.chaos.processes import send
from infra.chaos.site import Site
from tests.support.sites import Load
from tests.support.waiting import eventually

pytestmark = [pytest.mark.stack, pytest.mark.timeout(900)]


@pytest.mark.parametrize(("kills", "backlog"), [(2, 3), pytest.param(10, 8, marks=pytest.mark.slow)])
def test_accepted_jobs_survive_redis_however_often_it_is_killed(site: Site, kills: int, backlog: int) -> None:
    with Load(site, seed=kills, backlog=backlog) as load:
        for _ in range(kills):
            load.more(2)
            kill_redis(site)
    assert len(load.stock.records) >= 2 * kills


def kill_redis(site: Site) -> None:
    (before,) = site.pids("redis")
    send([before], signal.SIGKILL)
    eventually(lambda: site.pids("redis") not in ([], [before]))
    heal(site.redis.ping)
