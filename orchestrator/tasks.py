"""The orchestrator's own steps: planning, and giving the film its public name."""

from collections.abc import Mapping

from common.contracts.base import ObjectRef
from common.contracts.edit import Edit
from common.contracts.names import Kind
from common.contracts.recordings import Transcript
from common.contracts.request import VideoRequest
from common.contracts.steps import PlanFacts, PlanSpec, PublishFacts, PublishSpec
from common.contracts.storyboard import Storyboard
from common.documents import JSON, document_json, read_document
from common.errors import Permanent
from common.settings import Settings
from common.storage.verified import verify
from common.uploads import uploaded
from common.worker.runner import Handler
from common.worker.steprun import StepRun
from orchestrator.planners import rules, takes
from orchestrator.planners.revise import revise


def handlers(settings: Settings) -> Mapping[str, Handler]:
    return {Kind.PLAN: plan, Kind.PUBLISH: publish}


def engines(settings: Settings) -> Mapping[str, object]:
    return {"planners": ["rules"]}


def plan(spec: PlanSpec, run: StepRun) -> PlanFacts:
    """Request -> storyboard, or an earlier storyboard and an edit -> storyboard."""
    request = read_document(VideoRequest, run.read(spec.request))
    if spec.base is not None and spec.edit is not None:
        storyboard = revise(
            request,
            read_document(Storyboard, run.read(spec.base)),
            read_document(Edit, run.read(spec.edit)),
        )
    else:
        transcripts = {name: read_document(Transcript, run.read(ref)) for name, ref in spec.transcripts.items()}
        board = takes.plan(request, transcripts) if transcripts else rules.plan(request)
        storyboard = _with_files(board, request, run)
    ref = run.keep_bytes("storyboard", document_json(storyboard).encode(), JSON)
    return PlanFacts(storyboard=ref)


def publish(spec: PublishSpec, run: StepRun) -> PublishFacts:
    """Copies film and thumbnail to `videos/<job id>/`. Repeated, it puts the same bytes there."""
    video, thumbnail = f"{spec.job_id}/output.mp4", f"{spec.job_id}/thumbnail.jpg"
    _copy(run, spec.film, video)
    _copy(run, spec.thumbnail, thumbnail)
    return PublishFacts(video_key=video, thumbnail_key=thumbnail)


def _copy(run: StepRun, ref: ObjectRef, name: str) -> None:
    run.check_content(ref)  # the copy is made by the store, which copies damage as well
    run.check()  # the name is shared by all versions: a worker that has lost the step must not write it
    run.storage.copy(run.assets, ref.key, run.videos, name)
    verify(run.storage, run.videos, name, ref.size, "the whole film")


def _with_files(storyboard: Storyboard, request: VideoRequest, run: StepRun) -> Storyboard:
    """The storyboard with the user's own music and watermark."""
    found = {}
    if request.music.enabled and request.music.asset is not None:
        found["music"] = _uploaded(run, request.music.asset, "music")
    if request.watermark is not None and request.watermark.asset is not None:
        found["watermark"] = _uploaded(run, request.watermark.asset, "watermark")
    return storyboard.model_copy(update=found)


def _uploaded(run: StepRun, asset: str, field: str) -> ObjectRef:
    found = uploaded(run.storage, run.assets, run.owner, asset)
    if found is None:
        raise Permanent(f"{field}: there is no uploaded asset {asset}; upload it again")
    return found
