"""A pipeline without Redis, workers or media: `decide` against a record in memory, moved by facts.

`Sim` applies a decision as `save.lua` does and facts as the workers' scripts do, so that random
histories can be played thousands of times a second. tests/integration/jobs/test_store.py holds the real
scripts to the same behaviour.
"""

import hashlib
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from common.contracts.base import Contract, ObjectRef, canonical_json, fingerprint
from common.contracts.edit import Edit
from common.contracts.footage import Candidate, CandidateList, Footage, Painted, Provenance, SceneryRecipe, WebFile
from common.contracts.job import (
    DEFERRED,
    DONE,
    ELSEWHERE,
    FAILED,
    JOB_MOVES,
    QUEUED,
    READY,
    RUNNING,
    SKIPPED,
    STEP_MOVES,
    WAITING,
    Change,
    Failure,
    Job,
    Pins,
    Step,
)
from common.contracts.kinds import STEP_KINDS, Tool, parse_spec, spec_fingerprint, toolchain
from common.contracts.names import StepName, keys_in
from common.contracts.narration import Narration, Word
from common.contracts.recordings import CHUNK, Transcript
from common.contracts.request import VideoRequest
from common.contracts.steps import (
    AssembleFacts,
    FitFacts,
    HearFacts,
    MarkFacts,
    MixFacts,
    PlanFacts,
    PublishFacts,
    SceneFacts,
    SearchFacts,
    SegmentFacts,
)
from common.contracts.storyboard import Storyboard
from common.contracts.voice import SpeechEngine
from common.documents import document_json, read_document
from common.errors import StepError
from common.jobs.record import pins_json, pins_of
from orchestrator.engine.attempts import Rules
from orchestrator.engine.capabilities import Fleet
from orchestrator.engine.knowledge import Knowledge
from orchestrator.engine.memo import Memo
from orchestrator.film.profile import OutputDefaults
from orchestrator.planners import rules as planner
from orchestrator.planners import takes
from orchestrator.planners.revise import revise
from orchestrator.workflow import Decision, Policy, decide, ending
from tests.support.ready import ENGINE

LEASE = 15_000
FIELDS = {"work": "fingerprint", "done": "progress", "needs": "toolchain", "ran": "ran_version"}
"Fields of a step by what the record calls them, where that is something else."
CANVAS = OutputDefaults(resolution=360)
Trouble = Callable[[str, Any], Failure | None]
"Step and spec -> why the attempt fails."
ATTEMPT = re.compile(r'\.[0-9a-f]{8}"')
"The end of a key: the attempt that stored the object."


@dataclass(frozen=True)
class Saved:
    """What a restore needs of a version."""

    storyboard: ObjectRef
    pins: Pins
    cast: str | None
    ending: Mapping[str, Any]


class Sim:
    """One job, its objects, and a clock that only moves when told."""

    def __init__(self, request: VideoRequest, *, timeout: int = 3_600_000, rules: Rules | None = None) -> None:
        self.rules = rules or Rules()
        self.request = request
        self.timeout = timeout
        self.builds = {"build-1"}
        self.engines: tuple[SpeechEngine, ...] = (ENGINE,)
        "In order of preference."
        self.recognisers = {"ears-1"}
        self.recipes: dict[str, str] = {}
        "By kind: a recipe other than that of this version of the code."
        self.sources: tuple[str, ...] = ("pexels", "scenery")
        self.seen: dict[str, dict[str, int]] = {}
        self.now = 1_000_000
        self.objects: dict[str, bytes] = {}
        self.stored = 0
        self.work: dict[str, str] = {}
        self.told: dict[str, str] = {}
        "Specs in the record, by step."
        self.specs: dict[str, Any] = {}
        "Every spec that was ever told, by fingerprint."
        self.ran: list[str] = []
        "The steps that were claimed, in order."
        self.runs: dict[str, int] = {}
        "How often each work was claimed."
        self.tokens: list[int] = []
        self.claimed: dict[int, str] = {}
        "The work of each claim."
        self.spent: dict[str, int] = {}
        "Attempts of steps before their orders were placed."
        self.tickets: dict[str, str] = {}
        "For each ticket that was ever given: `kept`, `ended` or `called off`."
        self.versions: dict[int, Saved] = {}
        self.memo = Memo()
        self.compare = True
        "Whether every look is made a second time without what was remembered."
        ref = self.put("request", canonical_json(request).encode())
        self.job = Job(
            id="job_1",
            owner="local",
            state=QUEUED,
            request=ref,
            created=self.now,
            started=self.now,
            deadline=self.now + timeout,
        )

    # the reconciler

    def look(self) -> Decision | None:
        """Decides until the decision needs no more reading, and saves it."""
        known: dict[str, str | None] = {}
        vanished: set[str] = set()
        seen: set[str] = set()
        for _ in range(30):
            if self.job.terminal:
                return None
            decision = self.decide(known, frozenset(vanished), seen)
            if not decision.asks:
                self._save(decision.change)
                return decision
            vanished |= (decision.missing.keys() | decision.doubted) - self.objects.keys()
            vanished |= decision.unusable
            seen |= decision.doubted & self.objects.keys()
            known |= {work: self.work.get(work) for work in decision.unknown}
        raise AssertionError("decide never stops asking")

    def decide(self, known: dict[str, str | None], vanished: frozenset[str], seen: set[str]) -> Decision:
        # As if it had just been read: of the head, nothing is the same object as before.
        job = replace(self.job, pins=pins_of(pins_json(self.job.pins)))
        knowledge = Knowledge(self.objects, known, vanished, seen)
        given = (job, knowledge, self.fleet, Policy(CANVAS, self.rules), self.now)
        decision = decide(*given, memo=self.memo)
        if self.compare:
            assert decision == decide(*given), "what is remembered changes it"
        return decision

    @property
    def fleet(self) -> Fleet:
        tools: Mapping[Tool, Collection[str]] = {
            Tool.NONE: [""],
            Tool.FFMPEG: self.builds,
            Tool.SPEECH: [engine.tool for engine in self.engines],
            Tool.HEARING: self.recognisers,
        }
        live = {kind: {self.toolchain(kind, tool) for tool in tools[about.tool]} for kind, about in STEP_KINDS.items()}
        for kind, chains in live.items():
            self.seen.setdefault(kind, {}).update(dict.fromkeys(chains, self.now))
        return Fleet(self.seen, {kind: one for kind, one in live.items() if one}, self.sources, self.engines)

    def toolchain(self, kind: str, tool: str) -> str:
        own = toolchain(kind, tool)
        return own.replace(str(STEP_KINDS[kind].recipe), self.recipes[kind], 1) if kind in self.recipes else own

    def _save(self, change: Change) -> None:
        steps = dict(self.job.steps)
        for name, patch in change.steps.items():
            before = steps.get(name, Step(name))
            fields = {FIELDS.get(field, field): value for field, value in patch.items()}
            if "failure" in fields:
                fields["failure"] = Failure.model_validate_json(fields["failure"]) if fields["failure"] else None
            if "reused" in fields:
                fields["reused"] = bool(fields["reused"])
            other_work = fields.get("fingerprint", before.fingerprint) != before.fingerprint
            if before.ticket and (other_work or fields.get("ticket") == "" or fields.get("state") in (SKIPPED, DONE)):
                self.tickets[before.ticket] = "called off"
                before = replace(before, ticket="", note="")
            after = replace(before, **fields, **({"lease": 0} if "state" in fields else {}))
            assert after.state == before.state or after.state in STEP_MOVES[before.state], (name, before, after)
            steps[name] = after
            if after.state in (DONE, SKIPPED) or (after.state == WAITING and not after.ticket):
                self.told.pop(name, None)
        for name, text in change.specs.items():
            spec = parse_spec(StepName(name).kind, text)
            assert spec_fingerprint(StepName(name).kind, text, steps[name].toolchain) == steps[name].fingerprint
            self.told[name] = text
            self.specs[steps[name].fingerprint] = spec
        assert {name for name, step in steps.items() if step.state == READY} == set(change.ready)
        assert all(steps[name].state != READY for name in change.unready)
        for work in change.forget:
            self.work.pop(work, None)
        head = dict(change.head)
        state = head.get("state", self.job.state)
        assert state == self.job.state or state in JOB_MOVES[self.job.state]
        ended = ending(self.job, change)
        changed = bool(change.head or change.steps)
        self.job = replace(
            self.job,
            steps=steps,
            state=state,
            pins=pins_of(head["pins"]) if "pins" in head else self.job.pins,
            failure=Failure.model_validate_json(head["failure"]) if "failure" in head else self.job.failure,
            storyboard=_ref(head["storyboard"]) if "storyboard" in head else self.job.storyboard,
            decided_version=head.get("looked", self.job.decided_version),
            finished=head.get("finished", self.job.finished),
            rev=self.job.rev + changed,
            decisions=self.job.decisions + changed,
        )
        if self.job.terminal:
            self.told.clear()
            if self.job.storyboard is not None:
                cast = steps["cast"].facts if "cast" in steps else None
                self.versions[self.job.version] = Saved(self.job.storyboard, self.job.pins, cast, ended)

    # the workers

    def names(self, state: str) -> list[str]:
        return [name for name, step in self.job.steps.items() if step.state == state]

    def claim(self, name: str) -> int | None:
        step = self.job.steps[name]
        if self.job.terminal or self.job.cancel or step.state != READY or step.not_before > self.now:
            return None
        if step.toolchain not in self.fleet.live.get(StepName(name).kind, ()):
            return None
        assert name in self.told, f"nobody knows what {name} is to do"
        token = self.job.token + 1
        self.job = replace(self.job, token=token)
        self.tokens.append(token)
        self.claimed[token] = step.fingerprint
        self.ran.append(name)
        self.runs[step.fingerprint] = self.runs.get(step.fingerprint, 0) + 1
        self._set(name, state=RUNNING, attempt=step.attempt + 1, token=token, lease=self.now + LEASE, failure=None)
        return token

    def beat(self, name: str, token: int, done: float) -> bool:
        step = self.job.steps[name]
        if not self._holds(step, token):
            return False
        self._set(name, lease=self.now + LEASE, progress=max(step.progress, done))
        return True

    def commit(self, name: str, token: int) -> bool:
        """The worker does the step; or finds which of its inputs are gone."""
        step = self.job.steps[name]
        if not self._holds(step, token):
            return False
        gone = [key for key in keys_in(self.told[name]) if key not in self.objects]
        if gone:
            failure = Failure(code="object_missing", message="it is not there", retryable=True, missing=" ".join(gone))
            return self.fail(name, token, failure)
        try:
            facts = self.facts(name).model_dump_json()
        except StepError as error:
            return self.fail(name, token, Failure(code=error.code, message=str(error)))
        if STEP_KINDS[StepName(name).kind].reuse:
            facts = self.work.setdefault(step.fingerprint, facts)
        self.told.pop(name)
        if step.ticket:
            self.tickets[step.ticket] = "ended"
        done = {"state": DONE, "facts": facts, "progress": 1.0, "lease": 0, "failure": None, "reused": False}
        self._set(name, **done, ticket="", note="")
        return True

    def defer(self, name: str, token: int, ticket: str, seconds: float, state: str = DEFERRED) -> bool:
        """The worker hands the step back, because its work goes on elsewhere, or may (`UNKNOWN`)."""
        step = self.job.steps[name]
        if not self._holds(step, token):
            same = step.token == token and step.fingerprint == self.claimed[token]
            if same and step.state in (WAITING, READY) and not self.job.terminal:
                self.tickets |= {step.ticket: "ended"} if step.ticket not in ("", ticket) else {}
                self.tickets[ticket] = "kept"
                self._set(name, ticket=ticket)
            elif ticket != step.ticket:
                self.tickets[ticket] = "called off"
            return False
        if step.ticket != ticket:
            self.spent[name] = step.attempt - 1
        if step.ticket not in ("", ticket):
            self.tickets[step.ticket] = "ended"
        self.tickets[ticket] = "kept"
        waits = {"state": state, "ticket": ticket, "note": "elsewhere", "not_before": self.now + int(1000 * seconds)}
        self._set(name, **waits, attempt=self.spent.get(name, 0), losses=0, lease=0)
        return True

    def rouse(self, name: str) -> None:
        """There is news for a step that waits."""
        if self.job.steps[name].state in ELSEWHERE and not self.job.terminal:
            self._set(name, state=READY, not_before=0)

    def fail(self, name: str, token: int, failure: Failure) -> bool:
        step = self.job.steps[name]
        if not self._holds(step, token):
            return False
        self._set(name, state=FAILED, failure=failure, lease=0)
        return True

    def release(self, name: str, token: int) -> bool:
        """A worker that is told to end hands the step back."""
        step = self.job.steps[name]
        if not self._holds(step, token):
            return False
        self._set(name, state=READY, attempt=step.attempt - 1, lease=0)
        return True

    def _holds(self, step: Step, token: int) -> bool:
        return step.state == RUNNING and step.token == token and not self.job.terminal

    def _set(self, name: str, **fields: Any) -> None:
        step = replace(self.job.steps[name], **fields)
        self.job = replace(self.job, steps={**self.job.steps, name: step}, rev=self.job.rev + 1)

    # wishes

    def cancel(self) -> None:
        if not self.job.terminal:
            self.job = replace(self.job, cancel=True)

    def resume(self) -> None:
        assert self.job.terminal
        self._reopen()

    def edit(self, **changes: Any) -> None:
        """A new version: the present storyboard with these changes."""
        edit = self.put("edit", canonical_json(Edit.model_validate(changes)).encode())
        self._revise(self.job.storyboard, edit, self.job.pins, None)

    def restore(self, version: int) -> None:
        saved = self.versions[version]
        self._revise(saved.storyboard, None, saved.pins, saved.cast)

    def _revise(self, base: ObjectRef | None, edit: ObjectRef | None, pins: Pins, cast: str | None) -> None:
        assert base is not None
        number = self.job.version + 1
        self.job = replace(self.job, version=number, base=base, edit=edit, storyboard=None, pins=pins)
        if edit is not None or self.job.terminal:
            self._reopen(dropped=edit is None)
        if cast is not None:
            step = Step("cast", state=DONE, facts=cast, fingerprint=fingerprint("cast", cast), progress=1.0)
            self.job = replace(self.job, steps={**self.job.steps, "cast": step})

    def _reopen(self, *, dropped: bool = False) -> None:
        """As the store does: what was given up is tried again, by a job that has ended."""
        job = self.job
        pins = job.pins if dropped else replace(job.pins, left_out={})
        self.job = replace(job, pins=pins, rev=job.rev + 1)
        if not job.terminal:
            return
        fresh = {"state": WAITING, "attempt": 0, "losses": 0, "not_before": 0, "failure": None, "lease": 0}
        steps = {
            name: replace(step, **fresh) if step.state in (FAILED, SKIPPED) else step  # type: ignore[arg-type]
            for name, step in job.steps.items()
        }
        self.job = replace(
            self.job,
            steps=steps,
            state=QUEUED,
            started=self.now,
            deadline=self.now + self.timeout,
            finished=0,
            cancel=False,
            failure=None,
        )

    # whole histories

    def work_off(self, trouble: Trouble | None = None) -> bool:
        """Claims and does every step that is ready, once. False when there was nothing to do.

        `trouble` may have a reason why an attempt fails.
        """
        any_done = False
        for name in self.names(READY):
            token = self.claim(name)
            if token is None:
                continue
            failure = trouble(name, self.spec(name)) if trouble is not None else None
            any_done |= self.fail(name, token, failure) if failure is not None else self.commit(name, token)
        return any_done

    def run(self, trouble: Trouble | None = None, until: Callable[["Sim"], bool] | None = None) -> "Sim":
        """Until the job ends, or until `until` says so."""
        for _ in range(400):
            self.look()
            if self.job.terminal or (until is not None and until(self)):
                return self
            if not self.work_off(trouble):
                self.now += 1_000
        raise AssertionError(f"the job did not end: {self.job}")

    def run_names(self, start: int) -> list[str]:
        """The steps that have run since the `start`-th run, without order."""
        return sorted(self.ran[start:])

    # objects, and what workers would find out

    def put(self, kind: str, data: bytes) -> ObjectRef:
        """Stores an object under a name of its own, as every attempt does."""
        digest = hashlib.sha256(data).hexdigest()
        self.stored += 1
        key = f"local/{kind}/{digest[:32]}/{digest}.{self.stored:08x}"
        self.objects[key] = data
        return ObjectRef(key=key, sha256=digest, size=len(data), media_type="x/y")

    def lose(self, name: str) -> str:
        """Deletes the objects that a step has made; returns the key of the first."""
        keys = keys_in(self.job.steps[name].facts)
        for key in keys:
            self.objects.pop(key, None)
        return str(keys[0])

    def spec(self, name: str) -> Any:
        """What the step was told last."""
        return self.specs[self.job.steps[name].fingerprint]

    def facts(self, name: str) -> Contract:
        return getattr(self, f"_{StepName(name).kind}")(self.spec(name))  # type: ignore[no-any-return]

    def _plan(self, spec: Any) -> PlanFacts:
        if spec.base is None:
            stored = {name: self.objects[ref.key] for name, ref in spec.transcripts.items()}
            transcripts = {name: read_document(Transcript, data) for name, data in stored.items()}
            storyboard = takes.plan(self.request, transcripts) if transcripts else planner.plan(self.request)
            if self.request.watermark is not None and self.request.watermark.asset is not None:
                storyboard = storyboard.model_copy(update={"watermark": self.put("asset", b"logo")})
        else:
            base = read_document(Storyboard, self.objects[spec.base.key])
            storyboard = revise(self.request, base, read_document(Edit, self.objects[spec.edit.key]))
        return PlanFacts(storyboard=self.put("storyboard", canonical_json(storyboard).encode()))

    def _fit(self, spec: Any) -> FitFacts:
        """Every word takes half a second, after a second of silence."""
        each, texts = 24_000, spec.text.split()
        if spec.heard is not None:
            texts = [word.text for word in read_document(Transcript, self.objects[spec.heard.key]).words]
        words = tuple(Word(text=text, start=each * (2 + i), end=each * (3 + i)) for i, text in enumerate(texts))
        samples = each * (len(texts) + 3)
        chunks = tuple(
            self.put("recording", f"{spec.asset}{number}".encode()) for number in range(-(-samples // CHUNK))
        )
        transcript = Transcript(
            language=spec.language, words=words, samples=samples, chunks=chunks, timed_by="half seconds"
        )
        return FitFacts(transcript=self.put("transcript", document_json(transcript).encode()), chunks=chunks)

    def _hear(self, spec: Any) -> HearFacts:
        words = tuple(Word(text=text, start=0, end=1) for text in ["What", "was", "heard.", "It", "was", "a", "lot."])
        transcript = Transcript(language="en", words=words, samples=1, chunks=(), timed_by="ears")
        ref = self.put("transcript", document_json(transcript).encode())
        return HearFacts(transcript=ref, srt=ref, vtt=ref, language="en", recogniser="ears", seconds=1.0, misread=None)

    def _take(self, spec: Any) -> Narration:
        audio = self.put("narration", canonical_json(spec).encode())
        take = spec.take
        return Narration(
            audio=audio,
            samples=take.samples,
            words=take.words,
            voice="recording",
            engine="recording",
            loudness=-18.0,
        )

    def _speak(self, spec: Any) -> Narration:
        each = int(18_000 / spec.pace)
        texts = spec.text.split()
        words = tuple(Word(text=text, start=i * each, end=(i + 1) * each) for i, text in enumerate(texts))
        audio = self.put("narration", canonical_json(spec).encode())
        return Narration(audio=audio, samples=each * len(texts), words=words, voice="v", engine="e", loudness=-18.0)

    def _search(self, spec: Any) -> SearchFacts:
        found = [candidate(f"pexels:{number}", 0.9 - number / 10) for number in range(3)]
        body = CandidateList(candidates=(*found, scenery(spec.query.shot, spec.query.seed)))
        return SearchFacts(candidates=self.put("candidates", document_json(body).encode()), count=4)

    def _acquire(self, spec: Any) -> Footage:
        one: Candidate = spec.candidate
        recipe = one.origin.recipe if isinstance(one.origin, Painted) else None
        media = self.put("footage", one.id.encode()) if recipe is None else None
        return Footage(kind=one.kind, media=media, scenery=recipe, seconds=8.0, provenance=one.provenance)

    def _mark(self, spec: Any) -> MarkFacts:
        return MarkFacts(media=self.put("mark", _content(spec)), width=64, height=32)

    def _segment(self, spec: Any) -> SegmentFacts:
        media = self.put("segment", _content(spec))
        return SegmentFacts(media=media, frames=spec.timeline.frames)

    def _scene(self, spec: Any) -> SceneFacts:
        frames = sum(segment.frames for segment in spec.segments)
        return SceneFacts(media=self.put("scene", _content(spec)), frames=frames)

    def _mix(self, spec: Any) -> MixFacts:
        music = self.put("music", _content(spec)) if spec.music is not None else None
        return MixFacts(media=self.put("mix", _content(spec)), music=music, loudness=-14.0, true_peak=-1.6)

    def _assemble(self, spec: Any) -> AssembleFacts:
        frames = sum(segment.frames for segment in spec.segments)
        film, still = self.put("film", _content(spec)), self.put("thumbnail", b"still")
        return AssembleFacts(media=film, thumbnail=still, srt=None, vtt=None, frames=frames, width=640, height=360)

    def _publish(self, spec: Any) -> PublishFacts:
        return PublishFacts(video_key="job_1/output.mp4", thumbnail_key="job_1/thumbnail.jpg")


def candidate(name: str, score: float, creator: str = "") -> Candidate:
    provenance = Provenance(provider="pexels", source_id=name, creator=creator)
    origin = WebFile(url=f"https://example.org/{name}")
    return Candidate(id=name, kind="video", score=score, origin=origin, provenance=provenance)


def scenery(shot: str, seed: int = 0) -> Candidate:
    recipe = SceneryRecipe(theme="ocean", light="sunset", seed=len(shot) + seed)
    provenance = Provenance(provider="scenery", licence="generated")
    name, origin = f"scenery:{shot}:{seed}", Painted(recipe=recipe)
    return Candidate(id=name, kind="scenery", score=0.1, origin=origin, provenance=provenance)


def _content(spec: Contract) -> bytes:
    """What is made of a spec: the same for inputs with the same content, whichever attempt stored them."""
    return ATTEMPT.sub('"', canonical_json(spec)).encode()


def _ref(text: str) -> ObjectRef:
    return ObjectRef.model_validate_json(text)
