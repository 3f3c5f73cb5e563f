"""The order of steps in simulated films, held against the decisions of the orchestrator itself."""

from collections.abc import Mapping

import pytest

from benchmarks.scaling.films import Film, needs
from common.contracts.job import DONE, READY
from common.contracts.names import Kind, StepName
from common.contracts.request import VideoRequest
from tests.support.sim import Sim

SHORT = {"narration": "The harbour wakes before the sun."}
LONG = {
    "narration": "By noon the quay is empty, the nets are dry, the boats are out, " + "and the gulls wait " * 8 + "."
}
SILENT = {"show": "a lighthouse at dusk", "duration": 4}


def request(*scenes: Mapping[str, object], transition: str) -> VideoRequest:
    return VideoRequest.model_validate({"scenes": scenes, "transition": transition})


def steps_of(request: VideoRequest) -> list[StepName]:
    """The steps that the film takes, without casting, which the orchestrator does by itself."""
    return [StepName(name) for name in Sim(request).run().job.steps if StepName(name).kind != Kind.CAST]


def kept_waiting_by(withheld: str, request: VideoRequest, every: list[StepName]) -> set[StepName]:
    """The steps that the orchestrator does not ask for as long as one step is not done."""
    sim = Sim(request)
    while True:
        sim.look()
        ready = [name for name in sim.names(READY) if name != withheld]
        if not ready:
            break
        for name in ready:
            token = sim.claim(name)
            assert token is not None
            assert sim.commit(name, token)
    asked = {*sim.names(DONE), *sim.names(READY)}
    assert withheld in asked, "it was never asked for"
    return set(every) - asked


def behind(step: StepName, before: Mapping[StepName, frozenset[StepName]]) -> set[StepName]:
    """All steps that wait for this one, directly or not."""
    found = {name for name, some in before.items() if step in some}
    return found.union(*(behind(name, before) for name in found))


@pytest.mark.parametrize("transition", ["cut", "crossfade"])
def test_steps_wait_for_what_they_wait_for_in_the_orchestrator(transition: str) -> None:
    asked = request(SHORT, SILENT, SHORT, SHORT, transition=transition)
    every = steps_of(asked)
    before = needs(every, transitions=transition != "cut")
    for step in every:
        assert kept_waiting_by(step, asked, every) == behind(step, before), step


@pytest.mark.parametrize("transition", ["cut", "crossfade"])
def test_no_step_of_a_scene_in_parts_begins_before_the_orchestrator_lets_it(transition: str) -> None:
    asked = request(SHORT, LONG, SHORT, transition=transition)
    every = steps_of(asked)
    assert StepName("segment:s2.1") in every
    assert StepName("scene:s2") in every
    before = needs(every, transitions=transition != "cut")
    for step in every:
        assert kept_waiting_by(step, asked, every) <= behind(step, before), step


def test_a_film_knows_both_directions() -> None:
    work = dict.fromkeys(map(StepName, ("plan", "speak:s1", "segment:s1.0", "mix", "assemble", "publish")), 1.0)
    film = Film("a film", 5.0, work, transitions=False)
    assert film.needed_by[StepName("speak:s1")] == [StepName("mix"), StepName("segment:s1.0")]
    assert all(step in film.needs[later] for step, some in film.needed_by.items() for later in some)
    assert film.scenes == 1


def test_a_kind_of_step_that_is_new_is_named() -> None:
    with pytest.raises(ValueError, match="when paint:s1 can begin"):
        needs([StepName("plan"), StepName("paint:s1")], transitions=False)
