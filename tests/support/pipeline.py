"""The pipeline in this process: the real reconciler, record and step runner, with steps that only pretend.

What they hand back has the right shape, and every object they name is there; nothing is rendered. A test moves it
on with `run`, so nothing happens behind its back.
"""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from common.contracts.base import Contract, canonical_json
from common.contracts.footage import (
    Candidate,
    CandidateList,
    Footage,
    Painted,
    Provenance,
    ProviderNote,
    SceneryRecipe,
    WebFile,
)
from common.contracts.job import Job, WorkerInfo
from common.contracts.names import keys_in
from common.contracts.narration import Narration, Word
from common.contracts.steps import (
    AcquireSpec,
    AssembleFacts,
    AssembleSpec,
    MixFacts,
    MixSpec,
    SearchFacts,
    SearchSpec,
    SegmentFacts,
    SegmentSpec,
    SpeakSpec,
)
from common.documents import document_json
from common.errors import ObjectMissing
from common.jobs.store import JobStore
from common.messaging.queues import QUEUES
from common.settings import Settings
from common.storage.port import Storage
from common.worker.runner import Handler, StepRunner
from common.worker.service import toolchains
from common.worker.steprun import StepRun
from orchestrator import tasks
from orchestrator.reconciler import Reconciler
from tests.support.ready import ABOUT, TOOLCHAINS

ROUNDS = 2_000


class Pipeline:
    """Moves jobs on in the thread of the test. `sources` are those of the retriever."""

    def __init__(
        self, settings: Settings, store: JobStore, storage: Storage, sources: tuple[str, ...] = ("pexels", "scenery")
    ) -> None:
        self.store, self.storage = store, storage
        self.ran: list[str] = []
        "The steps that were run, in order."
        self.missed: list[str] = []
        "Those of them that found an input gone."
        self.held: tuple[str, ...] = ()
        "How the names of steps begin that are not run for the time being."
        self.trouble: dict[str, Exception] = {}
        "Steps that raise something."
        self.notes: tuple[ProviderNote, ...] = ()
        self._hints: list[tuple[str, str]] = []
        self._put_off: list[tuple[str, str]] = []
        self._settings = settings
        self.restart()
        self._runner = StepRunner(settings, store, storage, self._handlers(settings), TOOLCHAINS)
        for queue in QUEUES.values():
            more = {"retrieve": {"sources": list(sources)}, "speech": {"speech": ABOUT["speech"]}}.get(queue.name, {})
            engines = {"offers": toolchains(queue.name, ABOUT), **more}
            store.register(WorkerInfo(id=queue.consumer, service=queue.consumer, slots=50, engines=engines), 3600)

    def restart(self) -> None:
        """The orchestrator forgets what it remembered."""
        self._reconciler = Reconciler(self._settings, self.store, self.storage, self)  # type: ignore[arg-type]

    # as the queue

    def waiting(self, queue: str) -> int:
        return 0

    def send(self, queue: str, job_id: str, step: str) -> None:
        self._hints.append((job_id, step))

    # as the workers

    def run(self, job_id: str, until: Callable[[Job], bool] = lambda job: job.terminal) -> Job:
        """Until the job has ended, or until `until` says so; fails when nothing moves any more."""
        for _ in range(ROUNDS):
            job = self.store.load(job_id)
            assert job is not None
            if until(job):
                return job
            self.turn()
        raise AssertionError(f"nothing moves any more: {job}")

    @contextmanager
    def alive(self) -> Iterator[None]:
        """Moves all jobs on by itself while the block lasts, for answers that wait for it."""
        over = threading.Event()
        failed: list[BaseException] = []

        def go_on() -> None:
            try:
                while not over.is_set():
                    self.turn()
            except BaseException as error:
                failed.append(error)

        thread = threading.Thread(target=go_on)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
        if failed:
            raise failed[0]

    def turn(self) -> None:
        """One look of the reconciler, and every step it hints."""
        self._reconciler.look()
        hints, self._hints = self._hints + self._put_off, []
        self._put_off = [hint for hint in hints if hint[1].startswith(self.held)] if self.held else []
        for job_id, step in hints:
            if (job_id, step) not in self._put_off:
                self.take(job_id, step)
        if not hints:
            self.store.wait_for_wake(0.01)

    def take(self, job_id: str, step: str) -> None:
        """A hint reaches a worker."""
        self._runner.run(job_id, step)

    def _handlers(self, settings: Settings) -> Mapping[str, Handler]:
        pretended: dict[str, Handler] = {
            "speak": speak,
            "search": self._search,
            "acquire": acquire,
            "segment": segment,
            "mix": mix,
            "assemble": assemble,
        }
        return {kind: self._told(handler) for kind, handler in (pretended | dict(tasks.handlers(settings))).items()}

    def _told(self, handler: Handler) -> Handler:
        def handle(spec: Contract, run: StepRun) -> Contract:
            self.ran.append(run.step)
            if run.step in self.trouble:
                raise self.trouble[run.step]
            self._read_inputs(spec, run)
            return handler(spec, run)

        return handle

    def _read_inputs(self, spec: Contract, run: StepRun) -> None:
        """A step that pretends needs none of them, but a real one would."""
        for key in keys_in(canonical_json(spec)):
            try:
                run.storage.get_bytes(run.assets, key)
            except ObjectMissing:
                self.missed.append(run.step)
                raise

    def _search(self, spec: SearchSpec, run: StepRun) -> SearchFacts:
        query = spec.query
        # What is found depends on the words alone, as with a real source.
        word = (query.terms or (query.show,))[0].replace(" ", "-")
        found = [clip(f"pexels:{word}-{number}", 0.9 - number / 10) for number in range(3)]
        candidates = CandidateList(candidates=(*(found if "pexels" in query.sources else []), scenery(query.seed)))
        body = run.keep_bytes("candidates", document_json(candidates).encode(), "application/json")
        return SearchFacts(candidates=body, count=len(candidates.candidates), notes=self.notes)


def speak(spec: SpeakSpec, run: StepRun) -> Narration:
    each = int(18_000 / spec.pace)
    texts = spec.text.split()
    words = tuple(Word(text=text, start=i * each, end=(i + 1) * each) for i, text in enumerate(texts))
    audio = run.keep_bytes("narration", canonical_json(spec).encode(), "audio/wav")
    return Narration(audio=audio, samples=each * len(texts), words=words, voice="v", engine="e", loudness=-18.0)


def acquire(spec: AcquireSpec, run: StepRun) -> Footage:
    one = spec.candidate
    recipe = one.origin.recipe if isinstance(one.origin, Painted) else None
    media = run.keep_bytes("footage", one.id.encode(), "video/mp4") if recipe is None else None
    return Footage(kind=one.kind, media=media, scenery=recipe, seconds=8.0, provenance=one.provenance)


def segment(spec: SegmentSpec, run: StepRun) -> SegmentFacts:
    media = run.keep_bytes("segment", f"segment {run.step} {run.fingerprint}".encode(), "video/mp4")
    return SegmentFacts(media=media, frames=spec.timeline.frames)


def mix(spec: MixSpec, run: StepRun) -> MixFacts:
    return MixFacts(media=run.keep_bytes("mix", canonical_json(spec).encode(), "audio/mp4"), loudness=-14, true_peak=-2)


def assemble(spec: AssembleSpec, run: StepRun) -> AssembleFacts:
    return AssembleFacts(
        media=run.keep_bytes("film", canonical_json(spec).encode(), "video/mp4"),
        thumbnail=run.keep_bytes("thumbnail", canonical_json(spec.segments[0]).encode(), "image/jpeg"),
        srt=run.keep_bytes("srt", b"1\n", "application/x-subrip"),
        vtt=run.keep_bytes("vtt", b"WEBVTT\n", "text/vtt"),
        frames=sum(one.frames for one in spec.segments),
        width=spec.profile.width,
        height=spec.profile.height,
    )


def clip(name: str, score: float) -> Candidate:
    credit = f"Video {name} on Pexels"
    provenance = Provenance(provider="pexels", source_id=name, creator=name, credit=credit)
    origin = WebFile(url=f"https://media.example/{name}")
    return Candidate(id=name, kind="video", score=score, origin=origin, provenance=provenance)


def scenery(seed: int) -> Candidate:
    recipe = SceneryRecipe(theme="ocean", light="sunset", seed=seed)
    provenance = Provenance(provider="scenery", licence="generated")
    name, origin = f"scenery:ocean:sunset:{seed}", Painted(recipe=recipe)
    return Candidate(id=name, kind="scenery", score=0.1, origin=origin, provenance=provenance)
