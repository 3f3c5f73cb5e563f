"""Jobs of one step, whatever the step: here one that needs nothing beside its spec."""

from dataclasses import replace
from typing import Any

import pytest

from common.contracts.job import CANCELLED, COMPLETED, FAILED, Failure
from common.contracts.job_kinds import JobKind
from common.contracts.names import PLAN, StepName
from common.contracts.request import VideoRequest
from common.contracts.steps import PlanSpec
from orchestrator.engine.working_copy import WorkingCopy
from orchestrator.one_step import one_step
from orchestrator.workflow import WORKFLOWS
from tests.support.sim import Sim

NEVER = Failure(code="failed", message="not ever")


@pytest.fixture
def sim(monkeypatch: pytest.MonkeyPatch) -> Sim:
    sim = Sim(VideoRequest(prompt="Waves at dusk"))

    def want(copy: WorkingCopy, step: StepName, request: VideoRequest) -> Any:
        return copy.want(step, lambda request: PlanSpec(request=sim.job.request), request)

    workflow = one_step(PLAN, VideoRequest, want)
    monkeypatch.setitem(WORKFLOWS, JobKind.VOICE_PREVIEW, workflow)  # type: ignore[arg-type]
    sim.job = replace(sim.job, kind=JobKind.VOICE_PREVIEW)
    return sim


def test_it_is_completed_when_the_step_is_done(sim: Sim) -> None:
    sim.run()
    assert (sim.job.state, sim.ran, list(sim.job.steps)) == (COMPLETED, ["plan"], ["plan"])


def test_it_fails_as_the_step_does(sim: Sim) -> None:
    sim.run(lambda name, spec: NEVER)
    assert sim.job.state == FAILED
    assert sim.job.failure is not None
    assert sim.job.failure.message == NEVER.message


def test_it_is_in_the_state_of_its_step_and_can_be_cancelled(sim: Sim) -> None:
    sim.look()
    assert (sim.job.state, sim.names("ready")) == ("planning", ["plan"])
    sim.cancel()
    sim.run()
    assert sim.job.state == CANCELLED
