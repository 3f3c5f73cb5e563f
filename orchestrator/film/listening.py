"""The recordings of a request, timed word by word before the film is planned. Pure."""

from collections.abc import Mapping
from typing import NamedTuple

from common.contracts.base import ObjectRef
from common.contracts.names import Kind, StepName
from common.contracts.request import VideoRequest
from common.contracts.steps import FitFacts, FitSpec
from orchestrator.engine.working_copy import WorkingCopy


class Recording(NamedTuple):
    """An uploaded narration."""

    scene: str
    "Empty for that of the film."
    asset: str
    text: str
    "What is said in it."
    language: str


def want_transcripts(copy: WorkingCopy, request: VideoRequest) -> Mapping[str, ObjectRef] | None:
    """The transcript of each recording, by scene; None while one is on its way."""
    found: dict[str, ObjectRef] = {}
    recordings = copy.memo(recordings_of, request)
    for recording in recordings:
        facts: FitFacts | None = copy.want(StepName.of(Kind.FIT, recording.scene), _fit, recording)
        if facts is not None:
            found[recording.scene] = facts.transcript
    return copy.memo.same("transcripts", found) if len(found) == len(recordings) else None


def recordings_of(request: VideoRequest) -> tuple[Recording, ...]:
    if request.recording is not None:
        said = [scene.narration for scene in request.scenes or () if scene.narration]
        return (Recording("", request.recording, request.script or " ".join(said), request.language),)
    return tuple(
        Recording(f"s{number}", scene.recording, scene.narration, request.language)
        for number, scene in enumerate(request.scenes or (), 1)
        if scene.recording is not None
    )


def _fit(recording: Recording) -> FitSpec:
    text = " ".join(recording.text.split())
    return FitSpec(asset=recording.asset, text=text, language=recording.language)
