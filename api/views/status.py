"""What a reader of a job sees: status, progress, scenes, log lines, result. Pure.

Progress is computed from the steps. Within a version it never goes back: a step keeps the highest share it ever
reached, and the list of steps is complete as soon as the storyboard is there.
"""

import functools
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import count, takewhile
from typing import Any

from common.contracts.footage import OWN, Candidate, Footage, is_pick, own_id
from common.contracts.job import (
    CANCELLED,
    DEFERRED,
    DONE,
    ENDINGS_WITH_FILM,
    FAILED,
    QUEUED,
    READY,
    RUNNING,
    SKIPPED,
    UNKNOWN,
    WAITING,
    Event,
    Job,
    Step,
)
from common.contracts.names import StepName
from common.contracts.steps import (
    STEP_KINDS,
    AssembleFacts,
    CastFacts,
    MixFacts,
    Rejection,
    SearchFacts,
    parse_facts,
)
from common.contracts.storyboard import Scene, Shot, Storyboard

PLANNED = 5.0
"Percent that planning is worth."
UNFINISHED = 99
"A job that has not ended never shows more."
UNCOUNTED = frozenset({"plan", "cast", "scene"})
"Kinds without a part in the progress: the first has its own, the others take no time."
RENDERED = "rendered"
SCENE_FAILED = "failed"
UNDER_WAY = frozenset({READY, RUNNING, DEFERRED, UNKNOWN})

KIND_WORDS = {
    "plan": "planning",
    "speak": "speaking",
    "search": "searching footage",
    "acquire": "fetching footage",
    "segment": "rendering",
    "scene": "joining scenes",
    "mix": "mixing sound",
    "assemble": "assembling",
    "publish": "publishing",
}
FOUND = {
    "upload": "your own file",
    "url": "from your address",
    "folder": "found in the clip folder of this server",
    "pexels": "found on Pexels",
    "scenery": "a generated background",
}
"How a reader is told where a picture came from, by provider."


def progress(job: Job, storyboard: Storyboard | None = None) -> int:
    """0 to 100; 100 only for a finished film.

    The storyboard tells which steps still belong to a job that ended without a film; without it all are counted.
    """
    if job.state in ENDINGS_WITH_FILM:
        return 100
    if job.storyboard is None:
        plan = job.steps.get("plan")
        return int(PLANNED * 0.9 * _share(job, plan)) if plan is not None else 0
    counted = _counted(job, storyboard)
    total = sum(STEP_KINDS[step.kind].weight for step in counted)
    # Footage of the user's own may prove unusable; the search for something else is reckoned with from the first.
    total += STEP_KINDS["search"].weight * sum(
        step.kind == "acquire" and step.name.replace("acquire", "search", 1) not in job.steps for step in counted
    )
    done = sum(STEP_KINDS[step.kind].weight * _done(job, step) for step in counted)
    return min(UNFINISHED, int(PLANNED + (100 - PLANNED) * done / total)) if total else int(PLANNED)


def current_step(job: Job) -> str:
    """What is being done, in words: `rendering 3/8`."""
    if job.terminal:
        return job.state
    if job.state == QUEUED:
        return QUEUED if job.started else "waiting for a place"
    for kind in KIND_WORDS:
        steps = [step for name, step in job.steps.items() if StepName(name).kind == kind and step.state != SKIPPED]
        done = sum(step.state == DONE for step in steps)
        if any(step.state in (RUNNING, READY) for step in steps):
            return f"{KIND_WORDS[kind]} {done}/{len(steps)}" if len(steps) > 1 else KIND_WORDS[kind]
    return job.state  # between two steps


def status_view(job: Job, storyboard: Storyboard | None, events: Iterable[Event]) -> dict[str, Any]:
    """The answer of `/mcp/status`."""
    scenes = [scene_view(job, scene) for scene in storyboard.scenes] if storyboard is not None else []
    return {
        **summary_view(job, storyboard),
        "lane": job.lane,
        "current_step": current_step(job),
        "scenes_processed": sum(scene["state"] == RENDERED for scene in scenes),
        "total_scenes": len(scenes),
        "steps": steps_view(job),
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
    """The steps of this version: what did not have to be done again, what is or was, and what waits for that."""
    lists: dict[str, list[str]] = {"reused": [], "done_again": [], "running_again": [], "waiting": []}
    for name, step in job.steps.items():
        if StepName(name).kind == "cast":  # decided in no time; its outcome is in the shots
            continue
        if step.state == DONE:
            lists["reused" if step.reused or step.ran_version < job.version else "done_again"].append(name)
        elif step.state in UNDER_WAY:
            lists["running_again"].append(name)
        elif step.state == WAITING:
            lists["waiting"].append(name)
    return lists


def scene_view(job: Job, scene: Scene) -> dict[str, Any]:
    """One scene: how far it is, and what it shows and why."""
    segments = rendering(job, scene.id)
    why = left_out(job).get(scene.id)
    state = "left out" if why is not None else _scene_state(job, scene, segments)
    view = {
        "id": scene.id,
        "narration": scene.narration,
        "card": scene.card.kind if scene.card is not None else None,
        "state": state,
        "progress": round(100 * _mean([_share(job, step) for step in segments])) if why is None else 0,
        "shots": [shot_view(job, shot) for shot in scene.shots],
    }
    problem = _failure(job, scene) if state == SCENE_FAILED else why
    return {**view, "problem": problem} if problem is not None else view


def shot_view(job: Job, shot: Shot) -> dict[str, Any]:
    """What a shot asked for, what it got and why."""
    view: dict[str, Any] = {
        "id": shot.id,
        "show": shot.show,
        "footage": None,
        "why": "",
        "avoid": list(shot.avoid),
        "notes": _notes(job, shot),
    }
    step = job.steps.get(f"acquire:{shot.id}")
    if step is not None and step.state == DONE:
        footage: Footage = _facts("acquire", step.facts)
        view["footage"] = {"kind": footage.kind, **footage.provenance.model_dump()}
        view["why"] = _why(job, shot, footage.provenance.provider)
    elif step is not None and step.failure is not None:
        view["problem"] = step.failure.message
    return view


def candidate_view(job: Job, shot: str, candidate: Candidate) -> dict[str, Any]:
    """Something that was found for a shot, and what became of it."""
    cast = cast_of(job)
    return {
        "id": candidate.id,
        "kind": candidate.kind,
        "provider": candidate.provenance.provider,
        "score": round(candidate.score, 3),
        "width": candidate.width,
        "height": candidate.height,
        "seconds": candidate.seconds,
        "page_url": candidate.provenance.page_url,
        "credit": candidate.provenance.credit,
        "shown": cast.chosen.get(shot) == candidate.id,
        "unusable": unusable(cast, shot, candidate.id) or None,
    }


def result_view(job: Job, storyboard: Storyboard) -> dict[str, Any]:
    """The answer of `/mcp/result`, without the links, which need the store. The job must have a film."""
    assert job.state in ENDINGS_WITH_FILM
    film: AssembleFacts = _facts("assemble", job.steps["assemble"].facts)
    mix: MixFacts = _facts("mix", job.steps["mix"].facts)
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
        "note": job.pins.note,
        "left_out": [
            {"scene": scene["id"], "why": scene["problem"]} for scene in scenes if scene["id"] in left_out(job)
        ],
        "credits": list(dict.fromkeys(credit for credit in credits if credit)),
        "metadata": dict(job.metadata),
        "scenes": scenes,
    }


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
    elif event.type == "step" and (data["state"] in (DONE, FAILED, RUNNING) or data.get("message")):
        text = f"{data['step']} {data['state']}"
        text += " (reused)" if data.get("reused") else ""
        text += f" (attempt {data['attempt']})" if data.get("attempt", 1) > 1 else ""
        text += f": {data['message']}" if data.get("message") else ""
    else:
        return None
    return {"seq": event.seq, "at": _iso(event.at), "message": text}


def cast_of(job: Job) -> CastFacts:
    """What each shot shows, as far as that is settled."""
    step = job.steps.get("cast")
    facts: CastFacts = _facts("cast", step.facts) if step is not None and step.facts else CastFacts()
    return facts


def shown_in(cast: CastFacts, shot: Shot) -> str:
    """The name of what the shot shows: media of the user's own, or a candidate; empty while that is not settled."""
    if shot.media is not None:
        own = _own(shot)
        if all(one.candidate != own for one in cast.rejected.get(shot.id, ())):
            return own
    return cast.chosen.get(shot.id, "")


def unusable(cast: CastFacts, shot: str, candidate: str) -> str:
    """Why the shot cannot show the candidate; empty while nothing is known against it."""
    here = cast.rejected.get(shot, ())
    elsewhere = (one for some in cast.rejected.values() for one in some if not one.unrendered)
    return next((one.why for one in (*here, *elsewhere) if one.candidate == candidate), "")


def left_out(job: Job) -> dict[str, str]:
    """The scenes the film is made without, and why."""
    return dict(job.pins.left_out)


@functools.lru_cache(maxsize=4096)
def _facts(kind: str, text: str) -> Any:
    """Facts never change, and whoever follows a job asks for the same ones again and again."""
    return parse_facts(kind, text)


# progress


def _counted(job: Job, storyboard: Storyboard | None) -> list[Step]:
    """The first segment of a scene stands for all of them: how many there are shows only when its words are spoken."""
    steps = [
        step
        for name, step in job.steps.items()
        if StepName(name).kind not in UNCOUNTED and (StepName(name).kind != "segment" or name.endswith(".0"))
    ]
    if storyboard is not None:
        places = {name for scene in storyboard.scenes for name in (scene.id, *(shot.id for shot in scene.shots))}
        places |= {"", *(f"{scene.id}.0" for scene in storyboard.scenes)}
        return [step for step in steps if step.name.partition(":")[2] in places]
    if job.terminal:
        return steps
    return [
        step
        for step in steps
        if step.state != SKIPPED or step.ran_version == job.version or _scene_of(step) in left_out(job)
    ]


def _done(job: Job, step: Step) -> float:
    if step.kind != "segment":
        return _share(job, step)
    return _mean([_share(job, one) for one in rendering(job, _scene_of(step))])


def _share(job: Job, step: Step) -> float:
    """How much of the step is done, for this version; of a scene that was left out, nothing remains to be done."""
    if step.state == DONE or _scene_of(step) in left_out(job):
        return 1.0
    return step.progress if step.ran_version == job.version else 0.0


def _scene_of(step: Step) -> str:
    return step.name.partition(":")[2].partition(".")[0]


# scenes


def rendered_scene(job: Job, scene: str) -> Step | None:
    """The step that has made the whole scene: its one segment, or that which joined several. None while it has not."""
    segments = rendering(job, scene)
    whole = job.steps.get(f"scene:{scene}") if len(segments) > 1 else next(iter(segments), None)
    return whole if whole is not None and whole.state == DONE else None


def rendering(job: Job, scene: str) -> list[Step]:
    """The segments of a scene, as far as they belong to this version."""
    names = takewhile(job.steps.__contains__, (f"segment:{scene}.{number}" for number in count()))
    steps = [job.steps[name] for name in names]
    return [step for number, step in enumerate(steps) if not number or step.state != SKIPPED]


def _mean(shares: list[float]) -> float:
    return sum(shares) / len(shares) if shares else 0.0


def _scene_state(job: Job, scene: Scene, segments: list[Step]) -> str:
    if rendered_scene(job, scene.id) is not None:
        return RENDERED
    if any(step.state == RUNNING for step in segments):
        return "rendering"
    if any(step.state == READY for step in segments):
        return "queued for rendering"
    if job.state == CANCELLED:
        return "cancelled"
    steps = _gathering(job, scene)
    # While the job goes on, something else is done instead of what failed.
    if job.terminal and any(step.state == FAILED for step in (*steps, *segments)):
        return SCENE_FAILED
    for state, word in (("acquire", "fetching footage"), ("search", "searching footage"), ("speak", "speaking")):
        if any(step.state in (RUNNING, READY) and step.kind == state for step in steps):
            return word
    there = [step for step in steps if step.state != SKIPPED]
    return "gathered" if there and all(step.state == DONE for step in there) else "waiting"


def _gathering(job: Job, scene: Scene) -> list[Step]:
    """The steps, as far as there are any, that bring what the scene is rendered from."""
    names = [f"speak:{scene.id}", *(f"{kind}:{shot.id}" for shot in scene.shots for kind in ("search", "acquire"))]
    return [job.steps[name] for name in names if name in job.steps]


def _failure(job: Job, scene: Scene) -> str:
    """What went wrong in a scene that failed; what ended the job is told first."""
    failed = [step for step in (*_gathering(job, scene), *rendering(job, scene.id)) if step.state == FAILED]
    last = job.failure.step if job.failure is not None else ""
    failures = [step.failure for step in sorted(failed, key=lambda step: step.name != last) if step.failure is not None]
    return failures[0].message if failures else "for a reason that was not recorded"


def _notes(job: Job, shot: Shot) -> list[str]:
    """What did not work: media of the user's own that could not be used, why a footage source had nothing, and what
    is not shown because the user does not want it.
    """
    own = [one for one in cast_of(job).rejected.get(shot.id, ()) if one.candidate.startswith(OWN)]
    notes = _unusable(shot, own)
    search = job.steps.get(f"search:{shot.id}")
    if search is not None and search.state == DONE:
        facts: SearchFacts = _facts("search", search.facts)
        notes += [f"{note.provider}: {note.problem}" for note in facts.notes]
    return notes + ([f"not shown because you did not want it: {', '.join(shot.avoid)}"] if shot.avoid else [])


def _why(job: Job, shot: Shot, provider: str) -> str:
    cast = cast_of(job)
    got = FOUND.get(provider, f"found on {provider}")
    if shot.pick is not None and is_pick(shot.pick, cast.chosen.get(shot.id, "")):
        return f"{got}, and chosen by you"
    rejected = _unusable(shot, cast.rejected.get(shot.id, ()))
    return "; ".join([*rejected, f"{got} instead"]) if rejected else got


def _unusable(shot: Shot, rejected: Sequence[Rejection]) -> list[str]:
    """What was to be shown and could not; of own media only that which the shot still asks for."""
    own = _own(shot)
    yours = "your file" if shot.media is not None and shot.media.asset else "the media at your address"
    names = {one.candidate: yours if one.candidate == own else one.candidate for one in rejected}
    return [
        f"{names[one.candidate]} could not be used ({one.why.rstrip('.')})"
        for one in rejected
        if one.candidate == own or not one.candidate.startswith(OWN)
    ]


def _own(shot: Shot) -> str:
    """The name of the user's own media as a candidate; empty when the shot has none."""
    return own_id(shot.media) if shot.media is not None else ""


def _iso(at: int) -> str | None:
    return datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds") if at else None
