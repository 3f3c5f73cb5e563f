"""Promise 14: a deploy loses nothing, and costs no step a try."""

import signal

import pytest
import requests

from infra.chaos.faults.striking import WORKERS
from infra.chaos.figures import executions
from infra.chaos.processes import send
from infra.chaos.site import Site
from tests.support.sites import Load, steps_in
from tests.support.waiting import eventually

pytestmark = [pytest.mark.stack, pytest.mark.timeout(1200)]

SERVICES = ("api", *WORKERS)


@pytest.mark.parametrize(("rounds", "copies", "backlog"), [(1, 1, 3), pytest.param(5, 2, 8, marks=pytest.mark.slow)])
def test_every_service_can_be_restarted_under_load(site: Site, rounds: int, copies: int, backlog: int) -> None:
    with Load(site, seed=rounds, backlog=backlog) as load:
        load.more(backlog)
        for _ in range(rounds):
            for service in SERVICES:
                for pid in site.pids(service)[:copies]:
                    restart(site, service, pid)
    assert len(load.stock.records) > backlog
    jobs = [record.job for record in load.stock.records if record.job is not None]
    assert {step.losses for job in jobs for step in job.steps.values()} == {0}
    assert max(step.attempt for job in jobs for step in job.steps.values()) == 1
    _, repeated = executions(load.stock.records)
    released = sum(len(steps_in(record.events, released=True)) for record in load.stock.records)
    assert repeated == released, "a step ran again that was not handed back"


def restart(site: Site, service: str, pid: int) -> None:
    """Asks it to end, and waits until its successor has been started and the service works again."""
    before = site.pids(service)
    send([pid], signal.SIGTERM)
    eventually(lambda: pid not in site.pids(service) and len(site.pids(service)) == len(before))
    eventually(lambda: ready(site))


def ready(site: Site) -> bool:
    try:
        answer = requests.get(f"{site.url}/readyz", timeout=5)
        return answer.ok and not answer.json()["missing_workers"]
    except requests.RequestException:
        return False
