"""Promise 7: hints that come several times are harmless, also all at once."""

import pytest

from tests.support.workers import Farm

TWO_SCENES = {"scenes": [{"narration": f"The sea is {word}.", "show": "sea"} for word in ("calm", "wild")]}


@pytest.mark.parametrize("services", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_every_hint_five_times_runs_every_step_once(farm: Farm, services: int) -> None:
    farm.hints_at_once = 5
    for _ in range(services):
        farm.start(RENDER_SLOTS="2")
    job = farm.film("job_1", TWO_SCENES)
    film = farm.watch(lambda: farm.ended(job))
    assert film is not None
    assert film.state == "completed"
    ran = [run.step for run in farm.runs(job)]
    assert sorted(ran) == sorted(set(film.steps) - {"cast"})
    assert sorted(farm.results(job)) == sorted(film.steps)
    numbers = [event.seq for event in farm.store.events(job, limit=1000)]
    assert numbers == list(range(1, film.seq + 1))
