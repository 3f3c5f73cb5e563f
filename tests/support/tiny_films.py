"""The whole pipeline on real stores, with the real decisions and media of a few bytes, in one process.

`handlers` is what all services offer together: planning, search and publishing are the real thing, speech and
rendering put something small in the place of media. `Studio` moves jobs on with a real reconciler.
"""

import hashlib
import os
import subprocess
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from common import launcher
from common.contracts.base import Contract, ObjectRef, canonical_json
from common.contracts.job import WorkerInfo
from common.contracts.later import Later, Unknown
from common.contracts.narration import Narration, Word
from common.contracts.request import VideoRequest
from common.contracts.steps import (
    AssembleFacts,
    AssembleSpec,
    MixFacts,
    MixSpec,
    SegmentFacts,
    SegmentSpec,
    SpeakSpec,
)
from common.jobs.store import JobStore
from common.jobs.wishes import NewJob
from common.messaging.queues import QUEUES
from common.settings import Settings
from common.storage.port import Storage
from common.worker.runner import Handler
from common.worker.service import toolchains
from common.worker.steprun import StepRun
from orchestrator import tasks as planning
from orchestrator.reconciler import Reconciler
from retriever import tasks as retrieving
from retriever.providers.port import Provider
from retriever.providers.registry import FACTORIES
from tests.support.ready import ABOUT

SAMPLES_PER_WORD = 18_000
Hinted = Callable[[str, str], object]
ONE_SCENE: Mapping[str, Any] = {"scenes": [{"narration": "The sea is calm.", "show": "sea"}], "music": "none"}


def handlers(settings: Settings, far: Provider | None = None) -> dict[str, Handler]:
    """Of every kind of step. `far` is one more provider of footage, called `far`."""
    small: dict[str, Handler] = {"speak": speak, "segment": segment, "mix": mix, "assemble": assemble}
    factories = {**FACTORIES, "far": lambda *_: far} if far is not None else FACTORIES
    return {**planning.handlers(settings), **retrieving.handlers(settings, factories), **small}


def logged(handlers: Mapping[str, Handler], log: Path) -> dict[str, Handler]:
    """The same handlers, each of which leaves a line in `log` when it starts."""
    return {kind: _logged(handler, log) for kind, handler in handlers.items()}


def _logged(handler: Handler, log: Path) -> Handler:
    def handle(spec: Any, run: StepRun) -> Contract | Later | Unknown:
        with log.open("a") as file:
            file.write(f"{run.job_id} {run.step} {os.getpid()}\n")
        return handler(spec, run)

    return handle


class Run(NamedTuple):
    step: str
    pid: int


def runs(log: Path, job_id: str) -> list[Run]:
    """The runs of steps of the job, in the order in which they started."""
    lines = log.read_text().splitlines() if log.exists() else []
    return [Run(step, int(pid)) for job, step, pid in map(str.split, lines) if job == job_id]


def speak(spec: SpeakSpec, run: StepRun) -> Narration:
    texts = spec.text.split()
    each = SAMPLES_PER_WORD
    words = tuple(Word(text=text, start=i * each, end=(i + 1) * each) for i, text in enumerate(texts))
    audio = run.keep_bytes("narration", spec.text.encode(), "audio/flac")
    return Narration(audio=audio, samples=each * len(texts), words=words, voice="v", engine="e", loudness=-18.0)


def segment(spec: SegmentSpec, run: StepRun) -> SegmentFacts:
    """Does once all that a step can do: fetch, start a child, tell how far it is, store."""
    voice = run.fetch(spec.voice, "voice").read_bytes() if spec.voice is not None else b""
    picture = run.workdir / "picture"
    picture.write_bytes(canonical_json(spec).encode() + voice)
    child = subprocess.Popen(launcher.launched(["cp", "picture", "segment"]), cwd=run.workdir)
    release = run.adopt(child)
    try:
        assert child.wait() == 0
    finally:
        release()
    run.progress(0.5)
    return SegmentFacts(media=run.keep("segment", run.workdir / "segment", "video/mp4"), frames=spec.timeline.frames)


def mix(spec: MixSpec, run: StepRun) -> MixFacts:
    sound = b"".join(run.read(placed.audio) for placed in spec.narrations)
    return MixFacts(media=run.keep_bytes("mix", sound, "audio/mp4"), loudness=-14.0, true_peak=-1.6)


def assemble(spec: AssembleSpec, run: StepRun) -> AssembleFacts:
    film = b"".join(run.read(segment.media) for segment in spec.segments) + run.read(spec.mix)
    return AssembleFacts(
        media=run.keep_bytes("film", film, "video/mp4"),
        thumbnail=run.keep_bytes("thumbnail", film[:10], "image/jpeg"),
        srt=None,
        vtt=None,
        frames=sum(segment.frames for segment in spec.segments),
        width=spec.profile.width,
        height=spec.profile.height,
    )


class Studio:
    """Makes jobs and moves them on. `run` gets what the reconciler hints."""

    def __init__(
        self,
        settings: Settings,
        store: JobStore,
        storage: Storage,
        run: Callable[[str, str], object],
        sources: Sequence[str] = ("scenery",),
        about: Mapping[str, Any] = ABOUT,
    ) -> None:
        self._settings, self.store, self._storage, self._run = settings, store, storage, run
        self._hinted: deque[tuple[str, str]] = deque()
        self._reconciler = Reconciler(settings, store, storage, self)  # type: ignore[arg-type]
        for queue in QUEUES.values():
            offered = {"offers": toolchains(queue.name, about), "sources": list(sources), "speech": about["speech"]}
            offered["recogniser"] = about.get("recogniser", [])
            store.register(WorkerInfo(f"stand-in-{queue.name}", queue.consumer, 50, offered), 3600.0)

    def make(self, job_id: str, request: Mapping[str, Any] = ONE_SCENE) -> str:
        """Every job has an owner of its own, so that no job finds its work done by another."""
        owner = f"owner-{job_id.replace('_', '-')}"
        body = canonical_json(VideoRequest.model_validate(request)).encode()
        key = f"{owner}/request/{job_id}/body"
        self._storage.put_bytes(self._settings.assets_bucket, key, body, "application/json")
        ref = ObjectRef(key=key, sha256=hashlib.sha256(body).hexdigest(), size=len(body), media_type="application/json")
        self.store.create(owner, [NewJob(job_id, ref, timeout=self._settings.job_timeout)], answer=job_id)
        return job_id

    def work(self) -> bool:
        """Looks at what is due and runs what was hinted. False when there was nothing to do."""
        looked = self._reconciler.look()
        some = bool(self._hinted)
        while self._hinted:
            self._run(*self._hinted.popleft())
        return bool(looked or some)

    def wait(self) -> None:
        self.store.wait_for_wake(1)

    # what the reconciler takes for the queues

    def send(self, queue: str, job_id: str, step: str) -> None:
        self._hinted.append((job_id, step))

    def waiting(self, queue: str) -> int:
        return 0
