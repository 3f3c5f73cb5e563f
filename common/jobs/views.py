"""What a reader of a job sees: status, progress, scenes, log lines, result. Pure.

Progress is computed from the steps. It never goes back: a step keeps the highest share it ever
reached, and the list of steps is complete as soon as the storyboard is there.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from common.contracts.footage import Footage
from common.contracts.job import (
    CANCELLED,
    COMPLETED,
    DONE,
    ENDINGS_WITH_FILM,
    FAILED,
    READY,
    RUNNING,
    Event,
    Job,
    Step,
)
from common.contracts.steps import SPECS, AssembleFacts, MixFacts, SearchFacts, kind_of, parse_facts
from common.contracts.storyboard import Scene, Shot, Storyboard

PLANNED = 5.0
"Percent that planning is worth."
UNFINISHED = 99
"A job that has not ended never shows more."

KIND_WORDS = {
    "plan": "planning",
    "speak": "speaking",
    "search": "searching footage",
    "acquire": "fetching footage",
    "segment": "rendering",
    "mix": "mixing sound",
    "assemble": "assembling",
    "publish": "publishing",
}


def progress(job: Job) -> int:
    """0 to 100; 100 only for a finished film."""
    if job.state == COMPLETED:
        return 100
    plan = job.steps.get("plan")
    if plan is None or len(job.steps) == 1:
        return int(PLANNED * plan.done * 0.9) if plan is not None else 0
    rest = [step for name, step in job.steps.items() if kind_of(name) not in ("plan", "cast")]
    total = sum(SPECS[kind_of(step.name)].weight for step in rest)
    done = sum(SPECS[kind_of(step.name)].weight * step.done for step in rest)
    return min(UNFINISHED, int(PLANNED + (100 - PLANNED) * done / total)) if total else int(PLANNED)


def current_step(job: Job) -> str:
    """What is being done, in words: `rendering 3/8`."""
    if job.terminal:
        return job.state
    for kind in KIND_WORDS:
        steps = [step for name, step in job.steps.items() if kind_of(name) == kind]
        done = sum(step.state == DONE for step in steps)
        if any(step.state in (RUNNING, READY) for step in steps):
            return f"{KIND_WORDS[kind]} {done}/{len(steps)}" if len(steps) > 1 else KIND_WORDS[kind]
    return job.state  # between two steps


def status_view(job: Job, storyboard: Storyboard | None, events: Iterable[Event]) -> dict[str, Any]:
    """The answer of `/mcp/status`."""
    scenes = [scene_view(job, scene) for scene in storyboard.scenes] if storyboard is not None else []
    return {
        "job_id": job.id,
        "status": job.state,
        "title": job.title,
        "overall_progress": progress(job),
        "current_step": current_step(job),
        "scenes_processed": sum(scene["state"] == "rendered" for scene in scenes),
        "total_scenes": len(scenes),
        "created_at": _iso(job.created),
        "finished_at": _iso(job.finished),
        "error": job.failure.model_dump(include={"code", "message", "step"}) if job.failure else None,
        "metadata": dict(job.metadata),
        "scenes": scenes,
        "logs": [line for event in events if (line := log_line(event))],
    }


def scene_view(job: Job, scene: Scene) -> dict[str, Any]:
    """One scene: how far it is, and what it shows and why."""
    segment = job.steps.get(f"segment:{scene.id}.0")
    return {
        "id": scene.id,
        "narration": scene.narration,
        "state": _scene_state(job, scene, segment),
        "progress": round(100 * segment.done) if segment is not None else 0,
        "shots": [shot_view(job, shot) for shot in scene.shots],
    }


def shot_view(job: Job, shot: Shot) -> dict[str, Any]:
    """What a shot asked for and what it got."""
    view: dict[str, Any] = {"id": shot.id, "show": shot.show, "footage": None, "notes": _notes(job, shot)}
    step = job.steps.get(f"acquire:{shot.id}")
    if step is not None and step.state == DONE:
        footage: Footage = parse_facts("acquire", step.facts)
        view["footage"] = {"kind": footage.kind, **footage.provenance.model_dump()}
    elif step is not None and step.failure is not None:
        view["problem"] = step.failure.message
    return view


def _notes(job: Job, shot: Shot) -> list[str]:
    """Why a footage source had nothing for the shot."""
    search = job.steps.get(f"search:{shot.id}")
    if search is None or search.state != DONE:
        return []
    facts: SearchFacts = parse_facts("search", search.facts)
    return [f"{note.provider}: {note.problem}" for note in facts.notes]


def result_view(job: Job, storyboard: Storyboard) -> dict[str, Any]:
    """The answer of `/mcp/result`, without the links, which need the store. The job must have a film."""
    assert job.state in ENDINGS_WITH_FILM
    film: AssembleFacts = parse_facts("assemble", job.steps["assemble"].facts)
    mix: MixFacts = parse_facts("mix", job.steps["mix"].facts)
    scenes = [scene_view(job, scene) for scene in storyboard.scenes]
    credits = [shot["footage"]["credit"] for scene in scenes for shot in scene["shots"] if shot["footage"]]
    return {
        "job_id": job.id,
        "status": job.state,
        "title": job.title,
        "duration": job.pins.get("seconds", 0.0),
        "width": film.width,
        "height": film.height,
        "frames": film.frames,
        "loudness": mix.loudness,
        "note": job.pins.get("note", ""),
        "credits": list(dict.fromkeys(credit for credit in credits if credit)),
        "metadata": dict(job.metadata),
        "scenes": scenes,
    }


def log_line(event: Event) -> dict[str, Any] | None:
    """An event as a line for a person; None for events that only move a bar."""
    data = event.data
    if event.type == "job":
        text = f"job {data['state']}"
    elif event.type == "wish":
        text = f"asked to {data['wish']}"
    elif event.type == "step" and (data["state"] in (DONE, FAILED, RUNNING) or data.get("message")):
        text = f"{data['step']} {data['state']}"
        text += " (reused)" if data.get("reused") else ""
        text += f" (attempt {data['attempt']})" if data.get("attempt", 1) > 1 else ""
        text += f": {data['message']}" if data.get("message") else ""
    else:
        return None
    return {"seq": event.seq, "at": _iso(event.at), "message": text}


def _scene_state(job: Job, scene: Scene, segment: Step | None) -> str:
    if segment is not None and segment.state == DONE:
        return "rendered"
    if segment is not None and segment.state in (RUNNING, READY):
        return "rendering" if segment.state == RUNNING else "queued for rendering"
    if job.state == CANCELLED:
        return "cancelled"
    names = [f"speak:{scene.id}", *(f"{kind}:{shot.id}" for shot in scene.shots for kind in ("search", "acquire"))]
    steps = [job.steps[name] for name in names if name in job.steps]
    if any(step.state == FAILED for step in steps) or (segment is not None and segment.state == FAILED):
        return "failed"
    for state, word in (("acquire", "fetching footage"), ("search", "searching footage"), ("speak", "speaking")):
        if any(step.state in (RUNNING, READY) and kind_of(step.name) == state for step in steps):
            return word
    return "gathered" if steps and all(step.state == DONE for step in steps) else "waiting"


def _iso(at: int) -> str | None:
    return datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds") if at else None
