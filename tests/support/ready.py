"""Jobs with a step that a worker may take at once, for tests of workers without the rest of the pipeline."""

from collections.abc import Mapping
from typing import Any

from common.contracts.base import Contract, ObjectRef, canonical_json
from common.contracts.job import Change, Job, Step
from common.contracts.kinds import STEP_KINDS, spec_fingerprint, toolchain
from common.contracts.names import StepName
from common.contracts.steps import MixSpec
from common.contracts.timeline import SoundProfile
from common.contracts.voice import SpeechEngine, Voice
from common.jobs.store import JobStore
from common.jobs.wishes import NewJob
from common.messaging.queues import QUEUES
from common.worker.service import toolchains

BUILD = "b"
"The ffmpeg build that the steps want."
ENGINE = SpeechEngine(
    name="test",
    version="1",
    voices=(
        Voice(id="f3", name="F3", gender="female"),
        *(Voice(id=tag, name=tag.upper(), language=tag) for tag in ("en", "en-gb", "de")),
    ),
)
ABOUT = {"ffmpeg": BUILD, "speech": [ENGINE.model_dump()]}
"What stand-ins for workers say of themselves."
REQUEST = ObjectRef(key="local/request/a/b", sha256="0" * 64, size=1, media_type="application/json")
FOR_EVER = 2**52


def every_toolchain(about: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """The toolchains, by kind of step, of workers that together describe themselves so."""
    return {kind: chains for queue in QUEUES for kind, chains in toolchains(queue, about).items()}


TOOLCHAINS = every_toolchain(ABOUT)


def mix_spec(frames: int = 30) -> MixSpec:
    return MixSpec(frames=frames, sound=SoundProfile(), narrations=(), music=None)


def make_job(store: JobStore, job_id: str = "job_1", owner: str = "local") -> Job:
    store.create(owner, [NewJob(job_id, REQUEST, timeout=600.0)], answer=job_id)
    return load(store, job_id)


def load(store: JobStore, job_id: str = "job_1") -> Job:
    job = store.load(job_id)
    assert job is not None
    return job


def step_of(store: JobStore, step: str = "mix", job_id: str = "job_1") -> Step:
    return load(store, job_id).steps[step]


def make_ready(
    store: JobStore, step: str = "mix", spec: Contract | None = None, job_id: str = "job_1", build: str = BUILD
) -> str:
    """Makes the step ready with this spec, whatever it was before. Returns the fingerprint of its work."""
    spec = spec or mix_spec()
    kind = StepName(step).kind
    needs = toolchain(kind, build)
    text = canonical_json(spec)
    work = spec_fingerprint(kind, text, needs)
    patch = {"state": "ready", "work": work, "needs": needs, "not_before": 0, "done": 0, "facts": "", "failure": ""}
    fresh = {"attempt": 0, "losses": 0}
    change = Change(
        head={},
        steps={step: patch | fresh},
        ready={step: STEP_KINDS[kind].queue},
        unready={},
        events=(),
        look=FOR_EVER,
        specs={step: text},
    )
    assert store.save(load(store, job_id), change)
    return work
