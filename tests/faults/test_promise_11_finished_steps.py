"""Promise 11: what is finished is not done again after a crash. Each crash point of a step: test_crash_points.py."""

from collections import Counter

import pytest

from tests.support.workers import Farm, Worker


def test_only_the_steps_whose_process_died_run_again(farm: Farm) -> None:
    farm.start(LEASE_SECONDS="3600", SELF_KILL_SECONDS="1800")
    job = farm.film("job_1")
    deadly = ("segment", "mix", "assemble")
    for kind in deadly:
        farm.order(job, kind, "die once")
    film = farm.watch(lambda: farm.ended(job))
    assert film is not None
    assert film.state == "completed"
    runs = Counter(run.step for run in farm.runs(job))
    assert runs == {step: 2 if step.startswith(deadly) else 1 for step in film.steps if step != "cast"}
    assert sorted(farm.results(job)) == sorted(film.steps)


@pytest.mark.slow
def test_a_whole_service_that_is_killed_takes_no_finished_step_with_it(farm: Farm) -> None:
    film = farm.film_by_many(killed)
    assert Counter(run.step for run in farm.runs(film.id)).most_common(1)[0][1] == 2
    assert sorted(farm.results(film.id)) == sorted(film.steps)


def killed(worker: Worker) -> None:
    worker.kill()
    worker.wait()
