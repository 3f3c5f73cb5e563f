"""The pipeline as its users have it, with a clock beside it: real services, Redis, object store and workers.

Everything is measured from outside: the times at which steps became ready, were taken and were done come from the
event log of the job, processor time and memory from the kernel.
"""

import functools
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import requests

from api.sdk.client import Client
from benchmarks.processes import Trace, Watch, bytes_through, cpu_of
from benchmarks.report import NotMeasured
from common.contracts.job import COMPLETED, DONE, READY, RUNNING, Event, Job
from common.contracts.kinds import parse_facts, parse_spec
from common.contracts.names import ASSEMBLE, MIX, Kind, StepName
from common.contracts.steps import AssembleFacts, AssembleSpec, MixSpec, SegmentSpec
from common.messaging.queues import QUEUES
from common.settings import Settings
from infra.chaos.site import SMALL, Site
from renderer.steps.compose import SEGMENT_FILE

LOOK_SECONDS = 0.5
"Seconds between two looks at a job, as in `reel make`."
SPEC_SECONDS = 0.02
JOB_SECONDS = 1800.0
PROGRAMS = ("redis", "s3", "api", *(queue.consumer for queue in QUEUES.values()))
IDLE_SECONDS = 4.0
PAGE = 500
LOG_LINES = 20
ENDED = ("completed", "partial", "failed", "cancelled")


@dataclass(frozen=True)
class Span:
    """One step that ran; times are seconds of Redis' clock."""

    name: str
    ready: float
    taken: float
    done: float

    @property
    def kind(self) -> str:
        return StepName(self.name).kind

    @property
    def seconds(self) -> float:
        return self.done - self.taken


@dataclass(frozen=True)
class Made:
    """The cost of making one version of a film."""

    job: str
    version: int
    asked: float
    "Time at which it was asked for; seconds of this machine's clock, as all times here."
    ended: float
    spans: tuple[Span, ...]
    "The steps that ran, in the order in which they were done."
    reused: int
    "Steps that did not have to run."
    encoded: int
    "Frames of pictures that were encoded."
    frames: int
    "Frames of the film."
    size: int
    "Bytes of the film."
    used: Mapping[str, float]
    "Processor seconds, by program."
    memory: float
    "Megabytes that a segment's process had at most; 0 if there was none."
    encoding: float
    "Seconds that the segments' processes lived, added up."

    @property
    def cpu(self) -> float:
        """Processor seconds of everything that runs."""
        return sum(self.used.values())

    @property
    def whole(self) -> float:
        """Seconds from asking to the end."""
        return self.ended - self.asked

    @property
    def begun(self) -> float:
        """Time at which the first picture or sound was taken up."""
        return min((span.taken for span in self.spans if span.kind in (Kind.SEGMENT, Kind.MIX)), default=self.asked)

    @property
    def film(self) -> float:
        """Seconds from the first segment or mix to the end of the job, publishing included."""
        return self.ended - self.begun

    @property
    def rendering(self) -> float:
        """Seconds from the first segment or mix to the assembled film."""
        return next((span.done for span in self.spans if span.kind == Kind.ASSEMBLE), self.ended) - self.begun


class Pipeline:
    """A running stack, and one user of it."""

    def __init__(self, site: Site, client: Client) -> None:
        self._site, self._client = site, client
        self._session = requests.Session()
        self._session.trust_env = False  # no proxy between us and ourselves
        self._files: dict[str, Path] = {}

    def upload(self, path: Path) -> str:
        """Uploads the file; returns the id of the asset."""
        asset = self._client.upload(path)
        self._files[asset] = path
        return asset

    def make(self, body: Mapping[str, Any]) -> Made:
        """Makes a film from the first word on, as a new job."""
        return self._timed(lambda: self._client.generate(dict(body), secrets.token_hex(16)))

    def make_all(self, bodies: Sequence[Mapping[str, Any]]) -> list[Made]:
        """Makes films that are asked for at once, as new jobs. Processor time and memory are not divided among them."""
        asked = {self._client.generate(dict(body), secrets.token_hex(16)): time.time() for body in bodies}
        for job_id in asked:
            self._wait(job_id)
        found = []
        for job_id, since in asked.items():
            job = self._load(job_id)
            self._check(job)
            found.append(self._made(job, since, self._events(job_id), {}, None))
        return found

    def trace(self) -> Trace:
        """Notes the processor time of each program while the block lasts."""
        return Trace({name: functools.partial(self._site.pids, name) for name in PROGRAMS})

    def stored(self) -> int:
        """Bytes that have come out of the object store and gone into it since it was started."""
        return sum(map(bytes_through, self._site.pids("s3")))

    def edit(self, made: Made, changes: Mapping[str, Any]) -> Made:
        """Makes the next version of a film."""

        def ask() -> str:
            body = {"version": made.version, **changes}
            reply = self._session.patch(f"{self._site.url}/mcp/storyboard/{made.job}", json=body, timeout=30)
            if not reply.ok:
                raise NotMeasured(f"the edit was refused: {reply.text}")
            if not reply.json()["changed"]:
                raise NotMeasured(f"the edit changes nothing: {reply.text}")
            return made.job

        return self._timed(ask, self._events(made.job)[-1].seq)

    def forget(self) -> None:
        """Makes the service forget all finished work, so that it is done again."""
        client = self._site.redis
        names = list(client.scan_iter(match="work:*", count=1000))
        if names:
            client.delete(*names)

    def learn(self, body: Mapping[str, Any]) -> tuple[Made, tuple[SegmentSpec, ...], MixSpec]:
        """Makes a film anew, and reads the specs of its steps, which are kept only until they are done."""
        self.forget()
        job_id = self._client.generate(dict(body), secrets.token_hex(16))
        asked, found = time.time(), dict[str, str]()
        while (job := self._site.store.load(job_id)) is not None and not job.terminal:
            found |= self._site.redis.hgetall(f"job:{job_id}:spec")
            self._site.check()
            time.sleep(SPEC_SECONDS)
        assert job is not None
        self._check(job)
        specs = {name: parse_spec(StepName(name).kind, text) for name, text in found.items()}
        film: AssembleSpec = specs[ASSEMBLE]
        scenes = list(dict.fromkeys(one.scene for one in film.segments))
        segments: list[SegmentSpec] = [spec for name, spec in specs.items() if StepName(name).kind == Kind.SEGMENT]
        segments.sort(key=lambda spec: (scenes.index(spec.timeline.scene), spec.timeline.first))
        if [spec.timeline.frames for spec in segments] != [one.frames for one in film.segments]:
            raise NotMeasured("a segment was so quick that nobody saw what it was told")
        return self._made(job, asked, (), {}, None), tuple(segments), specs[MIX]

    def fetch(self, segments: Sequence[SegmentSpec], mix: MixSpec, folder: Path) -> dict[str, Path]:
        """The files of these specs, by key: uploaded ones where they lie on this machine, the others in `folder`."""
        found = {}
        clips = [clip.footage.media for segment in segments for clip in segment.timeline.clips]
        sounds = [one.audio for one in mix.narrations] + ([mix.music.media] if mix.music else [])
        for ref in dict.fromkeys(one for one in (*clips, *sounds) if one is not None):
            asset = next((path for name, path in self._files.items() if f"/{name}/" in ref.key), None)
            found[ref.key] = asset or folder / f"{ref.sha256}.bin"
            if asset is None:
                self._site.storage.get_file(self._site.settings.assets_bucket, ref.key, found[ref.key])
        return found

    def download(self, made: Made, path: Path) -> None:
        job = self._load(made.job)
        film: AssembleFacts = parse_facts(Kind.ASSEMBLE, job.steps[ASSEMBLE].facts)
        self._site.storage.get_file(self._site.settings.assets_bucket, film.media.key, path)

    def idle(self) -> float:
        """The share of one processor that is used while nothing is to be done."""
        time.sleep(1.0)
        before, started = self._cpu(), time.monotonic()
        time.sleep(IDLE_SECONDS)
        used = self._used(before)
        return sum(used.values()) / (time.monotonic() - started)

    def _timed(self, ask: Callable[[], str], after: int = 0) -> Made:
        before = self._cpu()
        with Watch(self._site.pids("renderer"), SEGMENT_FILE) as watch:
            asked = time.time()
            job_id = ask()
            self._wait(job_id)
        used = self._used(before)
        job = self._load(job_id)
        self._check(job)
        return self._made(job, asked, [event for event in self._events(job_id) if event.seq > after], used, watch)

    def _wait(self, job_id: str) -> None:
        deadline = time.monotonic() + JOB_SECONDS
        while self._client.status(job_id)["status"] not in ENDED:
            self._site.check()
            if time.monotonic() > deadline:
                raise NotMeasured(f"a job did not end within {JOB_SECONDS:g} s")
            time.sleep(LOOK_SECONDS)

    def _made(
        self, job: Job, asked: float, events: Sequence[Event], used: Mapping[str, float], watch: Watch | None
    ) -> Made:
        film: AssembleFacts = parse_facts(Kind.ASSEMBLE, job.steps[ASSEMBLE].facts)
        spans = tuple(_spans(events))
        segments = [
            parse_facts(Kind.SEGMENT, job.steps[span.name].facts) for span in spans if span.kind == Kind.SEGMENT
        ]
        if segments and watch is not None and not watch.seen:
            raise NotMeasured("no process of a segment was seen; the kernel tells nothing about children of processes")
        return Made(
            job=job.id,
            version=job.version,
            asked=asked,
            ended=job.finished / 1000,
            spans=spans,
            reused=sum(event.type == "step" and bool(event.data.get("reused")) for event in events),
            encoded=sum(facts.frames for facts in segments),
            frames=film.frames,
            size=film.media.size,
            used=used,
            memory=watch.memory if watch is not None else 0.0,
            encoding=watch.seconds if watch is not None else 0.0,
        )

    def _check(self, job: Job) -> None:
        if job.state != COMPLETED:
            why = f": {job.failure.message}" if job.failure else ""
            raise NotMeasured(f"a job ended as {job.state}{why}{self._last_words()}")

    def _last_words(self) -> str:
        """The end of the renderer's log, which is gone with the stack."""
        path = self._site.plan.folder("logs") / "renderer.log"
        lines = path.read_text().splitlines() if path.exists() else []
        return "".join(f"\n  {line}" for line in lines[-LOG_LINES:])

    def _load(self, job_id: str) -> Job:
        job = self._site.store.load(job_id)
        if job is None:
            raise NotMeasured(f"the job {job_id} is gone")
        return job

    def _events(self, job_id: str) -> list[Event]:
        found: list[Event] = []
        while page := self._site.store.events(job_id, found[-1].seq if found else 0, PAGE):
            found += page
        return found

    def _cpu(self) -> dict[str, float]:
        return {name: cpu_of(self._site.pids(name)) for name in PROGRAMS}

    def _used(self, before: Mapping[str, float]) -> dict[str, float]:
        return {name: now - before[name] for name, now in self._cpu().items()}


def _spans(events: Sequence[Event]) -> Iterator[Span]:
    """The steps that ran to their end, according to the log."""
    ready: dict[str, int] = {}
    taken: dict[str, int] = {}
    for event in events:
        if event.type != "step":
            continue
        name, state = event.data["step"], event.data["state"]
        if state == READY:
            ready[name] = event.at
        elif state == RUNNING:
            taken[name] = event.at
        elif state == DONE and name in taken and not event.data.get("reused"):
            began = taken.pop(name)
            yield Span(name, ready.get(name, began) / 1000, began / 1000, event.at / 1000)


@contextmanager
def pipeline(folder: Path, settings: Mapping[str, str], renderers: int = 1) -> Iterator[Pipeline]:
    """A stack of its own with the default settings, except those given, and `renderers` render services."""
    usual = {one.name.upper(): str(one.default) for one in fields(Settings) if one.name.upper() in SMALL}
    with Site(folder, settings=usual | dict(settings), copies={"renderer": renderers}) as site:
        client = Client(site.url)
        try:
            yield Pipeline(site, client)
        finally:
            client.close()
