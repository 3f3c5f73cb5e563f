"""Jobs of one step, whose facts are the result. Pure."""

from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

from common.contracts.base import Contract
from common.contracts.job import COMPLETED, Failure
from common.contracts.kinds import STEP_KINDS
from common.contracts.names import StepName
from orchestrator.engine.documents import body
from orchestrator.engine.working_copy import WorkingCopy

Request = TypeVar("Request", bound=Contract)


Want = Callable[[WorkingCopy, StepName, Request], Any]
"Wants the step that a request asks for: its facts, or None while it is on its way."


def one_step(
    step: StepName, request: type[Request], want: Want[Request]
) -> Callable[[WorkingCopy, object], "OneStep[Request]"]:
    """The workflow of a kind of job that wants this one step."""
    return lambda copy, policy: OneStep(copy, step, request, want)


class OneStep(Generic[Request]):
    """Wants the one step of a job."""

    def __init__(self, copy: WorkingCopy, step: StepName, request: type[Request], want: Want[Request]) -> None:
        self._copy, self._request, self._want = copy, request, want
        self.last = step
        self.finished = False

    def want(self) -> None:
        self._copy.begin()
        request = body(self._copy, self._request, self._copy.job.request)
        if request is not None:
            self.finished = self._want(self._copy, self.last, request) is not None
        self._copy.sweep(frozenset({self.last}), frozenset())

    def failure(self) -> Failure | None:
        return next(iter(self._copy.final.values()), None)

    def state(self) -> str:
        return STEP_KINDS[self.last.kind].state

    def outcome(self) -> str:
        return COMPLETED

    def head(self) -> Mapping[str, Any]:
        return {}
