"""The recordings of a request, timed word by word before the film is planned. Pure."""

from collections.abc import Mapping
from typing import NamedTuple

from common.contracts.base import ObjectRef
from common.contracts.names import Kind, StepName
from common.contracts.request import VideoRequest
from common.contracts.steps import FitFacts, FitSpec, HearFacts, HearSpec
from orchestrator.engine.working_copy import WorkingCopy


class Recording(NamedTuple):
    """An uploaded narration."""

    scene: str
    "Empty for that of the film."
    asset: str
    text: str
    "What is said in it; empty if that is not known."
    language: str


def want_transcripts(copy: WorkingCopy, request: VideoRequest) -> Mapping[str, ObjectRef] | None:
    """The transcript of each recording, by scene; None while one is on its way."""
    found: dict[str, ObjectRef] = {}
    recordings = copy.memo(recordings_of, request)
    for recording in recordings:
        facts = _fitted(copy, recording)
        if facts is not None:
            found[recording.scene] = facts.transcript
    return copy.memo.same("transcripts", found) if len(found) == len(recordings) else None


def _fitted(copy: WorkingCopy, recording: Recording) -> FitFacts | None:
    """What is said where in a recording; without a text, a recogniser hears that first."""
    name, heard = StepName.of(Kind.FIT, recording.scene), None
    if not recording.text:
        facts: HearFacts | None = copy.want(name.with_kind(Kind.HEAR), _hear, recording)
        if facts is None:
            return None
        heard = facts.transcript
    fitted: FitFacts | None = copy.want(name, _fit, recording, heard)
    return fitted


def recordings_of(request: VideoRequest) -> tuple[Recording, ...]:
    if request.recording is not None:
        said = [scene.narration for scene in request.scenes or () if scene.narration]
        return (Recording("", request.recording, request.script or " ".join(said), request.language),)
    return tuple(
        Recording(f"s{number}", scene.recording, scene.narration, request.language)
        for number, scene in enumerate(request.scenes or (), 1)
        if scene.recording is not None
    )


def _hear(recording: Recording) -> HearSpec:
    return HearSpec(asset=recording.asset, language=recording.language, script="")


def _fit(recording: Recording, heard: ObjectRef | None) -> FitSpec:
    text = " ".join(recording.text.split())
    return FitSpec(asset=recording.asset, text=text, language=recording.language, heard=heard)
