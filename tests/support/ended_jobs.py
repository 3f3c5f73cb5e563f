"""Jobs that have gone through the real scripts, with every object they name in storage, for tests of what stays."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from common.contracts.base import Contract, ObjectRef, canonical_json
from common.contracts.footage import CandidateList, Footage, Provenance
from common.contracts.job import Change, Job
from common.contracts.kinds import STEP_KINDS
from common.contracts.names import StepName
from common.contracts.narration import Narration
from common.contracts.request import VideoRequest
from common.contracts.steps import AssembleFacts, MixFacts, PlanFacts, PublishFacts, SearchFacts, SegmentFacts
from common.contracts.storyboard import Scene, Shot, Storyboard
from common.jobs.claims import Claim
from common.jobs.ids import new_job_ids
from common.jobs.store import JobStore
from common.jobs.wishes import NewJob
from common.storage.port import Storage

BUCKET = "assets"
FOR_EVER = 2**52
PARTS = {"narration", "candidates", "footage", "segment", "mix"}
"Kinds of objects that are parts of a film."
UPLOAD = "ast_" + "0" * 31


def put(storage: Storage, kind: str, data: bytes, owner: str = "local") -> ObjectRef:
    """Stores something under a name as a step would give it."""
    digest = hashlib.sha256(data).hexdigest()
    key = f"{owner}/{kind}/{digest[:32]}/{digest}.{digest[-8:]}"
    storage.put_bytes(BUCKET, key, data, "application/octet-stream")
    return ObjectRef(key=key, sha256=digest, size=len(data), media_type="application/octet-stream")


def put_document(storage: Storage, kind: str, body: Contract, owner: str = "local") -> ObjectRef:
    return put(storage, kind, canonical_json(body).encode(), owner)


def make_job(
    store: JobStore, storage: Storage, owner: str = "local", job_id: str = "", music: str | None = None
) -> Job:
    """A job that has been let in."""
    [job_id] = [job_id] if job_id else new_job_ids()
    wanted = VideoRequest(prompt="Waves at dusk", metadata={"job": job_id}, music=music or "auto")  # type: ignore[arg-type]
    request = put_document(storage, "request", wanted, owner)
    store.create(owner, [NewJob(job_id, request, timeout=600.0, title="Wäves")], answer=job_id)
    store.admit(0)
    return load(store, job_id)


def facts_of(storage: Storage, owner: str, tag: str, shot_media: str | None = None) -> dict[str, Contract]:
    """Facts of every step of a film of one scene, with all they name in storage; no two tags share an object."""

    def one(kind: str) -> ObjectRef:
        return put(storage, kind, f"{kind} of {tag}".encode(), owner)

    media = {"asset": shot_media} if shot_media is not None else None
    shot = Shot.model_validate({"id": "s1.1", "show": "waves", "media": media})
    story = Storyboard(title=tag, scenes=(Scene(id="s1", narration="Waves.", shots=(shot,), estimate=3.0),))
    provenance = Provenance(provider="pexels", source_id=tag, credit="Video by Ada Example on Pexels")
    media_of = {"provenance": provenance, "width": 640, "height": 360, "seconds": 8.0, "fps": 30.0}
    candidates = put_document(storage, "candidates", CandidateList(candidates=()), owner)
    return {
        "plan": PlanFacts(storyboard=put_document(storage, "storyboard", story, owner)),
        "speak:s1": Narration(audio=one("narration"), samples=1, words=(), voice="v", engine="e", loudness=-18.0),
        "search:s1.1": SearchFacts(candidates=candidates, count=0),
        "acquire:s1.1": Footage(kind="video", media=one("footage"), **media_of),  # type: ignore[arg-type]
        "segment:s1.0": SegmentFacts(media=one("segment"), frames=90),
        "mix": MixFacts(media=one("mix"), loudness=-14.0, true_peak=-1.6),
        "assemble": AssembleFacts(
            media=one("film"),
            thumbnail=one("thumbnail"),
            srt=one("captions"),
            vtt=put(storage, "captions", f"vtt of {tag}".encode(), owner),
            frames=90,
            width=640,
            height=360,
        ),
        "publish": PublishFacts(video_key="job/output.mp4", thumbnail_key="job/thumbnail.jpg"),
    }


def run_step(
    store: JobStore, job_id: str, name: str, facts: Contract, spec: str = "{}", reuse: int | None = None
) -> None:
    """The step becomes ready, is claimed and done. `reuse` None is what its kind says."""
    work = hashlib.sha256(facts.model_dump_json().encode()).hexdigest()[:32]
    queue = STEP_KINDS[StepName(name).kind].queue
    make_ready(store, job_id, name, spec, work)
    claim = store.claim(job_id, name, nonce=work, worker="w", lease=600.0, queue=queue, toolchains=[""])
    assert isinstance(claim, Claim), claim
    seconds = STEP_KINDS[StepName(name).kind].reuse if reuse is None else reuse
    assert store.commit(claim, facts.model_dump_json(), seconds) in ("ok", "known")


def make_ready(store: JobStore, job_id: str, name: str, spec: str = "{}", work: str = "w") -> None:
    queue = STEP_KINDS[StepName(name).kind].queue
    patch = {"state": "ready", "work": work, "attempt": 0, "not_before": 0, "done": 0.0, "facts": "", "failure": ""}
    events = (("step", {"step": name, "state": "ready"}),)
    save(store, job_id, {}, steps={name: patch}, ready={name: queue}, specs={name: spec}, events=events)


def save(
    store: JobStore, job_id: str, head: Mapping[str, Any], ending: Mapping[str, Any] | None = None, **more: Any
) -> None:
    fields: dict[str, Any] = {"head": head, "steps": {}, "ready": {}, "unready": {}, "events": (), "look": FOR_EVER}
    assert store.save(load(store, job_id), Change(**(fields | more)), ending)


def finish(
    store: JobStore, storage: Storage, job_id: str, shot_media: str | None = None, reuse: int | None = None
) -> Job:
    """Every step of the present version is done, and the job has its film."""
    job = load(store, job_id)
    facts = facts_of(storage, job.owner, f"{job_id} {job.version}", shot_media)
    for name, one in facts.items():
        run_step(store, job_id, name, one, reuse=reuse)
    plan, film = facts["plan"], facts["assemble"]
    assert isinstance(plan, PlanFacts)
    assert isinstance(film, AssembleFacts)
    save(store, job_id, {"storyboard": plan.storyboard.model_dump_json(), "pins": json.dumps({"seconds": 3.0})})
    return end(
        store,
        job_id,
        "completed",
        storyboard=plan.storyboard.model_dump_json(),
        video=film.media.model_dump_json(),
        thumbnail=film.thumbnail.model_dump_json(),
        seconds=3.0,
    )


def end(
    store: JobStore, job_id: str, state: str = "failed", unready: Mapping[str, str] | None = None, **ending: Any
) -> Job:
    """The job ends as it stands."""
    now = store.now()
    head = {"state": state, "finished": now}
    told = (("job", {"state": state}),)
    save(store, job_id, head, {"state": state, "finished": now, **ending}, events=told, unready=unready or {})
    return load(store, job_id)


def load(store: JobStore, job_id: str) -> Job:
    job = store.load(job_id)
    assert job is not None
    return job


def keys(storage: Storage, prefix: str = "") -> set[str]:
    return {stored.key for stored in storage.list(BUCKET, prefix)}
