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


def one_step(
    step: StepName,
    request: type[Request],
    spec: Callable[[Request], Contract],
    prepare: Callable[[WorkingCopy, Request], None] = lambda copy, request: None,
) -> Callable[[WorkingCopy, object], "OneStep[Request]"]:
    """The workflow of a kind of job that wants this one step, of which the request asks this spec.

    `prepare` tells the working copy what else the step goes by, such as the speaker whose engine is to be pinned.
    """
    return lambda copy, policy: OneStep(copy, step, request, spec, prepare)


class OneStep(Generic[Request]):
    """Wants the one step of a job."""

    def __init__(
        self,
        copy: WorkingCopy,
        step: StepName,
        request: type[Request],
        spec: Callable[[Request], Contract],
        prepare: Callable[[WorkingCopy, Request], None],
    ) -> None:
        self._copy, self._request, self._spec, self._prepare = copy, request, spec, prepare
        self.last = step
        self.finished = False

    def want(self) -> None:
        self._copy.begin()
        request = body(self._copy, self._request, self._copy.job.request)
        if request is not None:
            self._prepare(self._copy, request)
            self.finished = self._copy.want(self.last, self._spec, request) is not None
        self._copy.sweep(frozenset({self.last}), frozenset())

    def failure(self) -> Failure | None:
        return next(iter(self._copy.final.values()), None)

    def state(self) -> str:
        return STEP_KINDS[self.last.kind].state

    def outcome(self) -> str:
        return COMPLETED

    def head(self) -> Mapping[str, Any]:
        return {}
