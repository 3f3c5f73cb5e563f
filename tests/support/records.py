"""Writes into a job's record what the pipeline would, for tests of those who only read it."""

import json
from collections.abc import Mapping
from typing import Any

from common.contracts.base import Contract, ObjectRef
from common.contracts.job import COMPLETED, Change
from common.contracts.steps import AssembleFacts, MixFacts, PlanFacts, PublishFacts
from common.contracts.storyboard import Scene, Shot, Storyboard
from common.jobs.store import JobStore
from common.storage.port import Storage

FILM = b"not a real film, but these very bytes" * 1000
TWO_SCENES = Storyboard(
    title="Waves",
    scenes=tuple(
        Scene(id=scene, narration=f"Scene {scene}.", shots=(Shot(id=f"{scene}.1", show="sea"),), estimate=3.0)
        for scene in ("s1", "s2")
    ),
)


def plan(store: JobStore, storage: Storage, job_id: str) -> None:
    """The job has a storyboard of two scenes."""
    storyboard = _keep(storage, "storyboard", TWO_SCENES.model_dump_json().encode())
    head = {"state": "gathering", "storyboard": storyboard.model_dump_json()}
    write(store, job_id, head, {"plan": PlanFacts(storyboard=storyboard)})


def finish(
    store: JobStore, storage: Storage, job_id: str, state: str = COMPLETED, left_out: Mapping[str, str] | None = None
) -> None:
    """The job has a film of six seconds, with captions."""
    video_key, thumbnail_key = f"{job_id}/output.mp4", f"{job_id}/thumbnail.jpg"
    storage.put_bytes("videos", video_key, FILM, "video/mp4")
    storage.put_bytes("videos", thumbnail_key, b"jpg", "image/jpeg")
    film = AssembleFacts(
        media=_keep(storage, "film", FILM),
        thumbnail=_keep(storage, "thumbnail", b"jpg"),
        srt=_keep(storage, "srt", b"1\n"),
        vtt=_keep(storage, "vtt", b"WEBVTT\n"),
        frames=180,
        width=640,
        height=360,
    )
    facts: dict[str, Contract] = {
        "assemble": film,
        "mix": MixFacts(media=film.media, loudness=-14.0, true_peak=-1.6),
        "publish": PublishFacts(video_key=video_key, thumbnail_key=thumbnail_key),
    }
    pins = json.dumps({"seconds": 6.0, "note": "shorter than asked for", "dropped": dict(left_out or {})})
    write(store, job_id, {"state": state, "pins": pins}, facts)


def fail(store: JobStore, job_id: str, message: str) -> None:
    failure = json.dumps({"code": "failed", "message": message})
    write(store, job_id, {"state": "failed", "failure": failure}, {})


def write(store: JobStore, job_id: str, head: Mapping[str, Any], facts: Mapping[str, Contract]) -> None:
    """Changes the head, and makes the steps that have facts done."""
    job = store.load(job_id)
    assert job is not None
    steps = {
        name: {"state": "done", "work": "w", "attempt": 1, "not_before": 0, "done": 1.0, "reused": 0, "ran": 1}
        | {"facts": one.model_dump_json()}
        for name, one in facts.items()
    }
    events = (("job", {"state": head["state"]}),)
    assert store.save(job, Change(head=head, steps=steps, ready={}, unready={}, events=events, look=0))


def _keep(storage: Storage, kind: str, data: bytes) -> ObjectRef:
    key = f"local/{kind}/x/y"
    storage.put_bytes("assets", key, data, "application/octet-stream")
    return ObjectRef(key=key, sha256="0" * 64, size=len(data), media_type="application/octet-stream")
