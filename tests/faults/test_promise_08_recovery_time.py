"""Promise 8: the step of a dead worker starts again within a lease and five seconds."""

import itertools
import signal
from collections.abc import Callable, Iterator

import pytest

from infra.chaos.faults.striking import now_ms
from infra.chaos.figures import percentile, spread
from infra.chaos.processes import send
from infra.chaos.recovery import Recovery, recovery
from infra.chaos.site import Held, Site
from tests.support.running import ENDED, Running
from tests.support.sites import QUIET, account, holder, log, main_of
from tests.support.waiting import eventually

pytestmark = [pytest.mark.stack, pytest.mark.timeout(1800)]
SCENE = {"show": "a forest", "duration": 8}


def test_the_step_of_a_killed_worker_is_done_by_another(site: Site) -> None:
    times = list(itertools.islice(recoveries(site), 3))
    print(f"started again after {spread([time.restart or 0 for time in times])} s")


@pytest.mark.slow
def test_fifty_killed_workers_are_replaced_in_time(site: Site) -> None:
    times = list(itertools.islice(recoveries(site), 50))
    restarts = [time.restart for time in times if time.restart is not None]
    done = [time.commit for time in times]
    print(f"started again after {spread(restarts)} s (p50 / p99 / max), done after {spread(done)} s")
    assert percentile(restarts, 0.99) <= site.settings.lease_seconds + 5


def recoveries(site: Site) -> Iterator[Recovery]:
    """Kills whoever renders, in turn its pool child and the whole worker; gives how long each step took to recover."""
    victims: list[Callable[[Held], int]] = [lambda held: held.pid, lambda held: main_of(site, held.pid)]
    running = Running(site.url)
    for number in itertools.count():
        job = running.generate(scenes=[SCENE], seed=number, **QUIET)
        held = eventually(lambda job=job: holder(site, job, "segment"))  # type: ignore[misc]
        send([victims[number % 2](held)], signal.SIGKILL)
        at = now_ms()
        running.wait(job, lambda status: status["status"] in ENDED)
        found = recovery(log(site, job), held.step, at)
        account(site, [job])
        if found is not None and found.restart is not None:  # else it was just done when its worker was killed
            yield found
