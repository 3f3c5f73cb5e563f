"""Answers about a job as JSON: status, summary, steps, result, versions, log lines. Pure."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from api.views.film_state import facts_of, left_out
from api.views.progress import current_step, progress, waiting_for
from api.views.scenes import RENDERED, scene_view
from common.contracts.job import (
    DONE,
    ENDINGS_WITH_FILM,
    FAILED,
    RUNNING,
    UNDER_WAY,
    WAITING,
    Event,
    Job,
)
from common.contracts.kinds import STEP_KINDS
from common.contracts.names import Kind
from common.contracts.steps import AssembleFacts, MixFacts
from common.contracts.storyboard import Storyboard


def status_view(job: Job, storyboard: Storyboard | None, events: Iterable[Event]) -> dict[str, Any]:
    """The answer of `/mcp/status`."""
    scenes = [scene_view(job, scene) for scene in storyboard.scenes] if storyboard is not None else []
    return {
        **summary_view(job, storyboard),
        "kind": job.kind,
        "lane": job.lane,
        "current_step": current_step(job),
        "waiting_for": waiting_for(job),
        "scenes_processed": sum(scene["state"] == RENDERED for scene in scenes),
        "total_scenes": len(scenes),
        "steps": steps_view(job),
        "voices": voices_view(job),
        "scenes": scenes,
        "logs": [line for event in events if (line := log_line(event))],
    }


def summary_view(job: Job, storyboard: Storyboard | None) -> dict[str, Any]:
    """A job in a list of jobs."""
    return {
        "job_id": job.id,
        "status": job.state,
        "version": job.version,
        "title": job.title,
        "overall_progress": progress(job, storyboard),
        "created_at": _iso(job.created),
        "finished_at": _iso(job.finished),
        "error": job.failure.model_dump(include={"code", "message", "step"}) if job.failure else None,
        "metadata": dict(job.metadata),
    }


def item_view(job: Job, storyboard: Storyboard | None) -> dict[str, Any]:
    """A job in a batch."""
    view = summary_view(job, storyboard)
    kept = ("job_id", "status", "title", "overall_progress", "error")
    return {**{name: view[name] for name in kept}, "current_step": current_step(job)}


def steps_view(job: Job) -> dict[str, list[str]]:
    """Names of the steps of this version: reused, done or under way because of it, and waiting for others."""
    lists: dict[str, list[str]] = {"reused": [], "done_again": [], "running_again": [], "waiting": []}
    for name, step in job.steps.items():
        if not STEP_KINDS[step.kind].verb:  # decided in no time; its outcome is in the shots
            continue
        if step.state == DONE:
            lists["reused" if step.reused or step.ran_version < job.version else "done_again"].append(name)
        elif step.state in UNDER_WAY:
            lists["running_again"].append(name)
        elif step.state == WAITING:
            lists["waiting"].append(name)
    return lists


def result_view(job: Job, storyboard: Storyboard) -> dict[str, Any]:
    """The answer of `/mcp/result`, without the links, which need the store. The job must have a film."""
    assert job.state in ENDINGS_WITH_FILM
    film: AssembleFacts = facts_of(job.steps[Kind.ASSEMBLE])
    mix: MixFacts = facts_of(job.steps[Kind.MIX])
    scenes = [scene_view(job, scene) for scene in storyboard.scenes]
    shown = [scene for scene in scenes if scene["id"] not in left_out(job)]
    credits = [shot["footage"]["credit"] for scene in shown for shot in scene["shots"] if shot["footage"]]
    return {
        "job_id": job.id,
        "status": job.state,
        "version": job.version,
        "title": job.title,
        "duration": job.pins.seconds,
        "width": film.width,
        "height": film.height,
        "frames": film.frames,
        "loudness": mix.loudness,
        "voices": voices_view(job),
        "note": job.pins.note,
        "left_out": [
            {"scene": scene["id"], "why": scene["problem"]} for scene in scenes if scene["id"] in left_out(job)
        ],
        "credits": list(dict.fromkeys(credit for credit in credits if credit)),
        "metadata": dict(job.metadata),
        "scenes": scenes,
    }


def voices_view(job: Job) -> list[dict[str, Any]]:
    """Who speaks in this version, for each voice that is asked for, and who was passed over because they could not."""
    return [
        {
            "asked": key.rpartition(" ")[0] or None,
            "engine": cast.engine,
            "voice": cast.voice,
            "language": cast.language,
            "instead_of": [{"engine": one.engine, "why": one.why} for one in cast.passed],
        }
        for key, cast in job.pins.casts.items()
    ]


def versions_view(job: Job) -> list[dict[str, Any]]:
    """All versions of the video, oldest first, without links."""
    return [
        {
            "version": version.number,
            "cause": version.cause,
            "status": version.state or job.state,
            "current": version.number == job.version,
            "created_at": _iso(version.at),
            "finished_at": _iso(version.finished),
            "duration": version.seconds or None,
        }
        for _, version in sorted(job.versions.items())
    ]


def log_line(event: Event) -> dict[str, Any] | None:
    """An event as a line for a person; None for events that only move a bar."""
    data = event.data
    if event.type == "job":
        text = f"job {data['state']}"
    elif event.type == "wish":
        text = f"asked to {data['wish']}"
        text += f" (version {data['version']})" if data.get("version", 1) > 1 else ""
    elif event.type == "step" and (_moves_on(data) or data.get("message")):
        text = f"{data['step']} {data['state']}"
        text += " (reused)" if data.get("reused") else ""
        text += f" (attempt {data['attempt']})" if data.get("attempt", 1) > 1 else ""
        text += f": {data['message']}" if data.get("message") else ""
    else:
        return None
    return {"seq": event.seq, "at": _iso(event.at), "message": text}


def _moves_on(data: Mapping[str, Any]) -> bool:
    """False for a step that is only put in line, or looks after what goes on elsewhere."""
    return data["state"] in (DONE, FAILED) or (data["state"] == RUNNING and not data.get("again"))


def _iso(at: int) -> str | None:
    """A time of Redis' clock (milliseconds); None for 0, which stands for none."""
    return datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds") if at else None
