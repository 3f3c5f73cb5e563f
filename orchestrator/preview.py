"""The preview of a voice: one sentence, spoken. Pure."""

from collections.abc import Mapping
from typing import Any

from common.contracts.job import COMPLETED, Failure
from common.contracts.kinds import STEP_KINDS
from common.contracts.names import SPEAK
from common.contracts.preview import PreviewRequest
from common.contracts.steps import SpeakSpec
from orchestrator.engine.capabilities import Speaker
from orchestrator.engine.documents import body
from orchestrator.engine.working_copy import WorkingCopy


class Preview:
    """Wants the one step of a preview."""

    last = SPEAK

    def __init__(self, copy: WorkingCopy) -> None:
        self._copy = copy
        self.finished = False

    def want(self) -> None:
        self._copy.begin()
        request = body(self._copy, PreviewRequest, self._copy.job.request)
        if request is not None:
            self._copy.pinning.speaker = Speaker(request.voice, request.language)
            self.finished = self._copy.want(SPEAK, _spec, request) is not None
        self._copy.sweep(frozenset({SPEAK}), frozenset())

    def failure(self) -> Failure | None:
        return next(iter(self._copy.final.values()), None)

    def state(self) -> str:
        return STEP_KINDS[SPEAK.kind].state

    def outcome(self) -> str:
        return COMPLETED

    def head(self) -> Mapping[str, Any]:
        return {}


def _spec(request: PreviewRequest) -> SpeakSpec:
    return SpeakSpec(text=request.text, language=request.language, voice=request.voice, pace=request.pace)
