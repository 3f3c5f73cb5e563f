"""The orchestrator's own steps: planning, and giving the film its public name."""

from collections.abc import Mapping

from common.contracts.base import ObjectRef, canonical_json
from common.contracts.edit import Edit
from common.contracts.request import VideoRequest
from common.contracts.steps import PlanFacts, PlanSpec, PublishFacts, PublishSpec
from common.contracts.storyboard import Storyboard
from common.errors import Permanent, StorageUnavailable
from common.jobs.runner import Handler
from common.jobs.steprun import StepRun
from common.settings import Settings
from common.uploads import uploaded
from orchestrator.planners import rules
from orchestrator.planners.revise import revise


def handlers(settings: Settings) -> Mapping[str, Handler]:
    return {"plan": plan, "publish": publish}


def engines(settings: Settings) -> Mapping[str, object]:
    return {"planners": ["rules"]}


def plan(spec: PlanSpec, run: StepRun) -> PlanFacts:
    """Request -> storyboard, or an earlier storyboard and an edit -> storyboard."""
    request = VideoRequest.model_validate_json(run.read(spec.request))
    if spec.base is not None and spec.edit is not None:
        storyboard = revise(
            request,
            Storyboard.model_validate_json(run.read(spec.base)),
            Edit.model_validate_json(run.read(spec.edit)),
        )
    else:
        storyboard = _with_music(rules.plan(request), request, run)
    ref = run.keep_bytes("storyboard", canonical_json(storyboard).encode(), "application/json")
    return PlanFacts(storyboard=ref)


def publish(spec: PublishSpec, run: StepRun) -> PublishFacts:
    """Copies film and thumbnail to `videos/<job id>/`. Done again, it puts the same bytes there."""
    video, thumbnail = f"{spec.job_id}/output.mp4", f"{spec.job_id}/thumbnail.jpg"
    _copy(run, spec.film, video)
    _copy(run, spec.thumbnail, thumbnail)
    return PublishFacts(video_key=video, thumbnail_key=thumbnail)


def _copy(run: StepRun, ref: ObjectRef, name: str) -> None:
    run.check()  # the name is shared by all versions: whoever has lost the step must not write it
    run.storage.copy(run.assets, ref.key, run.videos, name)
    if run.storage.size(run.videos, name) != ref.size:
        raise StorageUnavailable("the object store did not keep the whole film")


def _with_music(storyboard: Storyboard, request: VideoRequest, run: StepRun) -> Storyboard:
    if not request.music.enabled or request.music.asset is None:
        return storyboard
    music = uploaded(run.storage, run.assets, run.owner, request.music.asset)
    if music is None:
        raise Permanent(f"music: there is no uploaded asset {request.music.asset}; upload it again")
    return storyboard.model_copy(update={"music": music})
