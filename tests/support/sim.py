"""A pipeline without Redis, workers or media: `decide` against a record in memory, moved by facts.

`Sim` applies a decision as `save.lua` does and facts as the workers' scripts do, so that random
histories can be played thousands of times a second. tests/integration/jobs/test_store.py holds the real
scripts to the same behaviour.
"""

import hashlib
import json
from dataclasses import replace

from common.contracts.base import Contract, ObjectRef, canonical_json
from common.contracts.footage import Candidate, CandidateList, Footage, Provenance, SceneryRecipe
from common.contracts.job import DONE, FAILED, JOB_MOVES, READY, RUNNING, STEP_MOVES, Change, Failure, Job, Step
from common.contracts.narration import Narration, Word
from common.contracts.request import VideoRequest
from common.contracts.steps import (
    AssembleFacts,
    MixFacts,
    PlanFacts,
    PublishFacts,
    SearchFacts,
    SegmentFacts,
    kind_of,
)
from orchestrator.board import Rules
from orchestrator.film import Canvas, Fleet
from orchestrator.planners import rules as planner
from orchestrator.workflow import Decision, decide

LEASE = 15_000
FLEET = Fleet(builds=("build-1",), sources=("pexels", "scenery"))
CANVAS = Canvas(resolution=360)


class Sim:
    """One job, its objects, and a clock that only moves when told."""

    def __init__(self, request: VideoRequest, *, timeout: int = 3_600_000, rules: Rules | None = None) -> None:
        self.rules = rules or Rules()
        self.request = request
        self.fleet = FLEET
        self.now = 1_000_000
        self.objects: dict[str, bytes] = {}
        self.work: dict[str, str] = {}
        self.specs: dict[str, Contract] = {}
        self.runs: dict[str, int] = {}
        self.tokens: list[int] = []
        ref = self.put("request", canonical_json(request).encode())
        self.job = Job(
            id="job_1", owner="local", state="queued", request=ref, created=self.now, deadline=self.now + timeout
        )

    # the reconciler

    def look(self) -> Decision | None:
        """Decides until the decision needs no more reading, and saves it."""
        known: dict[str, str | None] = {}
        for _ in range(20):
            if self.job.terminal:
                return None
            decision = decide(self.job, self.objects, known, self.fleet, CANVAS, self.rules, self.now)
            if not (decision.missing or decision.unknown):
                self.specs |= decision.specs
                self._save(decision.change)
                return decision
            assert all(key in self.objects for key in decision.missing), "a body that was never stored"
            known |= {work: self.work.get(work) for work in decision.unknown}
        raise AssertionError("decide never stops asking")

    def _save(self, change: Change) -> None:
        steps = dict(self.job.steps)
        for name, patch in change.steps.items():
            before = steps.get(name, Step(name))
            fields = dict(patch)
            if "failure" in fields:
                fields["failure"] = Failure.model_validate_json(fields["failure"]) if fields["failure"] else None
            if "reused" in fields:
                fields["reused"] = bool(fields["reused"])
            after = replace(before, **fields, **({"lease": 0} if "state" in fields else {}))
            assert after.state == before.state or after.state in STEP_MOVES[before.state], (name, before, after)
            steps[name] = after
        head = dict(change.head)
        state = head.get("state", self.job.state)
        assert state == self.job.state or state in JOB_MOVES[self.job.state]
        self.job = replace(
            self.job,
            steps=steps,
            state=state,
            pins=json.loads(head["pins"]) if "pins" in head else self.job.pins,
            failure=Failure.model_validate_json(head["failure"]) if "failure" in head else self.job.failure,
            rev=self.job.rev + 1,
        )

    # the workers

    def names(self, state: str) -> list[str]:
        return [name for name, step in self.job.steps.items() if step.state == state]

    def claim(self, name: str) -> int | None:
        step = self.job.steps[name]
        if self.job.terminal or self.job.cancel or step.state != READY or step.not_before > self.now:
            return None
        token = self.job.token + 1
        self.job = replace(self.job, token=token)
        self.tokens.append(token)
        self.runs[step.work] = self.runs.get(step.work, 0) + 1
        self._set(name, state=RUNNING, attempt=step.attempt + 1, token=token, lease=self.now + LEASE)
        return token

    def beat(self, name: str, token: int, done: float) -> bool:
        step = self.job.steps[name]
        if not self._holds(step, token):
            return False
        self._set(name, lease=self.now + LEASE, done=max(step.done, done))
        return True

    def commit(self, name: str, token: int) -> bool:
        step = self.job.steps[name]
        if not self._holds(step, token):
            return False
        facts = self.work.setdefault(step.work, self.facts(name, step.work).model_dump_json())
        self._set(name, state=DONE, facts=facts, done=1.0, lease=0, failure=None, reused=False)
        return True

    def fail(self, name: str, token: int, failure: Failure) -> bool:
        step = self.job.steps[name]
        if not self._holds(step, token):
            return False
        self._set(name, state=FAILED, failure=failure, lease=0)
        return True

    def cancel(self) -> None:
        if not self.job.terminal:
            self.job = replace(self.job, cancel=True)

    def _holds(self, step: Step, token: int) -> bool:
        return step.state == RUNNING and step.token == token and not self.job.terminal

    def _set(self, name: str, **fields: object) -> None:
        step = replace(self.job.steps[name], **fields)  # type: ignore[arg-type]
        self.job = replace(self.job, steps={**self.job.steps, name: step}, rev=self.job.rev + 1)

    # what workers would find out

    def put(self, kind: str, data: bytes) -> ObjectRef:
        digest = hashlib.sha256(data).hexdigest()
        ref = ObjectRef(key=f"local/{kind}/{digest[:32]}/{digest}", sha256=digest, size=len(data), media_type="x/y")
        self.objects[ref.key] = data
        return ref

    def facts(self, name: str, work: str) -> Contract:
        spec = self.specs[work]
        return getattr(self, f"_{kind_of(name)}")(spec)

    def _plan(self, spec: object) -> PlanFacts:
        storyboard = planner.plan(self.request)
        return PlanFacts(storyboard=self.put("storyboard", canonical_json(storyboard).encode()))

    def _speak(self, spec: object) -> Narration:
        each = int(18_000 / spec.pace)  # type: ignore[attr-defined]
        texts = spec.text.split()  # type: ignore[attr-defined]
        words = tuple(Word(text=text, start=i * each, end=(i + 1) * each) for i, text in enumerate(texts))
        audio = self.put("narration", canonical_json(spec).encode())
        return Narration(audio=audio, samples=each * len(texts), words=words, voice="v", engine="e", loudness=-18.0)

    def _search(self, spec: object) -> SearchFacts:
        shot = spec.query.shot  # type: ignore[attr-defined]
        found = [candidate(f"pexels:{number}", 0.9 - number / 10) for number in range(3)]
        body = CandidateList(candidates=(*found, scenery(shot)))
        return SearchFacts(candidates=self.put("candidates", canonical_json(body).encode()), count=4)

    def _acquire(self, spec: object) -> Footage:
        one: Candidate = spec.candidate  # type: ignore[attr-defined]
        media = None if one.kind == "scenery" else self.put("footage", one.id.encode())
        return Footage(kind=one.kind, media=media, scenery=one.scenery, seconds=8.0, provenance=one.provenance)

    def _segment(self, spec: object) -> SegmentFacts:
        frames = spec.timeline.frames  # type: ignore[attr-defined]
        return SegmentFacts(media=self.put("segment", canonical_json(spec).encode()), frames=frames)

    def _mix(self, spec: object) -> MixFacts:
        return MixFacts(media=self.put("mix", canonical_json(spec).encode()), loudness=-14.0, true_peak=-1.6)

    def _assemble(self, spec: object) -> AssembleFacts:
        frames = sum(segment.frames for segment in spec.segments)  # type: ignore[attr-defined]
        film, still = self.put("film", canonical_json(spec).encode()), self.put("thumbnail", b"still")
        return AssembleFacts(media=film, thumbnail=still, srt=None, vtt=None, frames=frames, width=640, height=360)

    def _publish(self, spec: object) -> PublishFacts:
        return PublishFacts(video_key="job_1/output.mp4", thumbnail_key="job_1/thumbnail.jpg")


def candidate(name: str, score: float, creator: str = "") -> Candidate:
    provenance = Provenance(provider="pexels", source_id=name, creator=creator)
    return Candidate(id=name, kind="video", score=score, url=f"https://example.org/{name}", provenance=provenance)


def scenery(shot: str) -> Candidate:
    recipe = SceneryRecipe(theme="ocean", light="sunset", seed=len(shot))
    provenance = Provenance(provider="scenery", licence="generated")
    return Candidate(id=f"scenery:{shot}", kind="scenery", score=0.1, scenery=recipe, provenance=provenance)
