"""The orchestrator's own steps: planning, and giving the film its public name."""

import json
from collections.abc import Mapping

from common.contracts.base import ObjectRef, canonical_json
from common.contracts.request import VideoRequest
from common.contracts.steps import PlanFacts, PlanSpec, PublishFacts, PublishSpec
from common.errors import ObjectMissing, Permanent
from common.jobs.runner import Handler
from common.jobs.steprun import StepRun
from common.settings import Settings
from orchestrator.planners import rules


def handlers(settings: Settings) -> Mapping[str, Handler]:
    return {"plan": plan, "publish": publish}


def engines(settings: Settings) -> Mapping[str, object]:
    return {"planners": ["rules"]}


def plan(spec: PlanSpec, run: StepRun) -> PlanFacts:
    """Request -> storyboard."""
    request = VideoRequest.model_validate_json(run.read(spec.request))
    storyboard = rules.plan(request)
    if request.music.enabled and request.music.asset is not None:
        storyboard = storyboard.model_copy(update={"music": _uploaded(run, request.music.asset)})
    ref = run.keep_bytes("storyboard", canonical_json(storyboard).encode(), "application/json")
    return PlanFacts(storyboard=ref)


def publish(spec: PublishSpec, run: StepRun) -> PublishFacts:
    """Copies film and thumbnail to `videos/<job id>/`. Done again, it puts the same bytes there."""
    video, thumbnail = f"{spec.job_id}/output.mp4", f"{spec.job_id}/thumbnail.jpg"
    run.storage.copy(run.assets, spec.film.key, run.videos, video)
    run.storage.copy(run.assets, spec.thumbnail.key, run.videos, thumbnail)
    return PublishFacts(video_key=video, thumbnail_key=thumbnail)


def _uploaded(run: StepRun, asset: str) -> ObjectRef:
    folder = f"{run.owner}/asset/{asset}"
    try:
        about = json.loads(run.storage.get_bytes(run.assets, f"{folder}/about.json"))
    except ObjectMissing:
        raise Permanent(f"music: there is no uploaded asset {asset}") from None
    return ObjectRef(key=f"{folder}/media", sha256=about["sha256"], size=about["size"], media_type=about["media_type"])
