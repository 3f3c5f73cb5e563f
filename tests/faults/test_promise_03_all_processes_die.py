"""Promise 3: an accepted job ends even when all workers and all reconcilers die, and whatever was done is done."""

import random
from collections import Counter
from collections.abc import Iterable, Iterator

import pytest

from common.contracts.job import DONE, RUNNING, Step
from common.settings import Settings
from tests.support.redis_server import RedisServer
from tests.support.tiny_fleet import SERVICES, TinyFleet, tiny_fleet
from tests.support.waiting import eventually

HELD = ("search:", "speak:", "acquire:", "segment:", "mix", "assemble", "publish", "plan")
KILLS = 5


@pytest.fixture
def fleet(
    redis_session: RedisServer, s3_session: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TinyFleet]:
    with tiny_fleet(redis_session, s3_session, tmp_path_factory.mktemp("fleet")) as fleet:
        yield fleet


def test_all_processes_die_in_the_midst_of_every_kind_of_step(fleet: TinyFleet) -> None:
    jobs = {step: fleet.order(hold=step)[0] for step in HELD}
    eventually(lambda: all(fleet.is_in(name, step, RUNNING) for step, name in jobs.items()))
    unbegun = fleet.order(4, hold="plan")
    before = {name: finished(fleet, name) for name in jobs.values()}
    fleet.kill(SERVICES)
    eventually(lambda: no_lease_lasts(fleet, jobs.values()))
    done = {name: finished(fleet, name) for name in jobs.values()}
    assert all(done[name].items() >= steps.items() for name, steps in before.items())
    fleet.mend()
    assert fleet.completed([*jobs.values(), *unbegun])
    for step, name in jobs.items():
        after, runs = fleet.job(name).steps, fleet.runs(name)
        for finished_before, what in done[name].items():
            assert after[finished_before].facts == what.facts
            assert runs.count(finished_before) == (finished_before != "cast"), "done work was done again"
        assert [run.startswith(step) for run in runs].count(True) == 2


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", range(5))
def test_all_processes_die_at_any_moment(fleet: TinyFleet, seed: int) -> None:
    chance = random.Random(seed)
    jobs: list[str] = []
    for _ in range(KILLS):
        jobs += fleet.order(4)
        kill_all_after(fleet, jobs, chance.randrange(150))
    assert fleet.completed(jobs)
    for name in jobs:
        assert max(Counter(fleet.runs(name)).values()) <= 1 + KILLS


def kill_all_after(fleet: TinyFleet, jobs: list[str], count: int) -> None:
    """All die after so many more events, or at the end of all jobs if that is earlier; then they start again."""
    moment = events(fleet, jobs) + count
    eventually(lambda: events(fleet, jobs) >= moment or fleet.ended(jobs))
    done = {name: finished(fleet, name) for name in jobs}
    fleet.kill(SERVICES)
    assert all(finished(fleet, name).items() >= steps.items() for name, steps in done.items())
    fleet.mend()


def finished(fleet: TinyFleet, name: str) -> dict[str, Step]:
    return {step.name: step for step in fleet.job(name).steps.values() if step.state == DONE}


def events(fleet: TinyFleet, jobs: list[str]) -> int:
    return sum(fleet.job(name).seq for name in jobs)


def no_lease_lasts(fleet: TinyFleet, jobs: Iterable[str]) -> bool:
    now = fleet.store.now()
    return all(step.lease < now for name in jobs for step in fleet.job(name).steps.values())
