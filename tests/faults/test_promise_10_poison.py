"""Promise 10: an input that kills every process that touches it ends its job, and no worker with it."""

from orchestrator.engine.attempts import Rules
from tests.support.waiting import alive, eventually
from tests.support.workers import Farm


def test_a_poisonous_step_fails_after_so_many_losses_and_the_worker_does_the_next_job(farm: Farm) -> None:
    worker = farm.start(LEASE_SECONDS="3600", SELF_KILL_SECONDS="1800")  # nobody waits for leases here
    poisonous = farm.film("job_1")
    farm.order(poisonous, "mix", "die")
    job = farm.watch(lambda: farm.ended(poisonous))
    assert job is not None
    assert job.state == "failed"
    assert job.failure is not None
    assert job.failure.step == "mix"
    assert job.steps["mix"].losses == Rules().max_losses
    killed = [run.pid for run in farm.runs(poisonous) if run.step == "mix"]
    assert len(set(killed)) == len(killed) == Rules().max_losses

    healthy = farm.film("job_2")
    film = farm.watch(lambda: farm.ended(healthy))
    assert film is not None
    assert film.state == "completed"
    assert worker.poll() is None
    assert alive(worker.pid)
    eventually(lambda: not farm.started_by_steps())
    eventually(lambda: not list(farm.scratch.iterdir()))
