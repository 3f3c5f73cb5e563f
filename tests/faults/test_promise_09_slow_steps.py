"""Promise 9: a step that is slow but alive is never done a second time."""

import pytest

from common.contracts.job import RUNNING
from tests.support.workers import Farm


@pytest.mark.parametrize("leases", [2, pytest.param(10, marks=pytest.mark.slow)])
def test_a_step_much_longer_than_its_lease_runs_once(farm: Farm, leases: int) -> None:
    for _ in range(2):  # somebody else is there to take it
        farm.start()
    job = farm.film("job_1")
    farm.order(job, "mix", "wait")

    def running() -> int:
        step = farm.store.load(job).steps.get("mix")  # type: ignore[union-attr]
        return step.lease if step is not None and step.state == RUNNING else 0

    first = farm.watch(running)
    lease = first - farm.store.now()
    farm.watch(lambda: running() >= first + leases * lease)
    farm.go(job)
    film = farm.watch(lambda: farm.ended(job))
    assert film is not None
    assert film.state == "completed"
    assert [run.step for run in farm.runs(job)].count("mix") == 1
    assert (film.steps["mix"].attempt, film.steps["mix"].losses) == (1, 0)
