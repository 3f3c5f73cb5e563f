"""What a film is made of: every step it needs, wanted as far as its inputs are there. Pure."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from common.contracts.base import fingerprint
from common.contracts.footage import Candidate, CandidateList, Footage, ShotQuery
from common.contracts.job import (
    RUNNING,
)
from common.contracts.narration import Narration
from common.contracts.request import VideoRequest
from common.contracts.steps import (
    AcquireSpec,
    AssembleSpec,
    CastFacts,
    MixFacts,
    MixSpec,
    PlanSpec,
    PublishSpec,
    SearchSpec,
    SegmentSpec,
    SpeakSpec,
    kind_of,
)
from common.contracts.storyboard import Scene, Shot, Storyboard
from common.contracts.timeline import Profile
from orchestrator import timeline
from orchestrator.board import Board
from orchestrator.casting import cast
from orchestrator.layout import Layout, lay_out

Body = TypeVar("Body", VideoRequest, Storyboard, CandidateList)


@dataclass(frozen=True)
class Fleet:
    """What the workers that live can do."""

    builds: tuple[str, ...] = ()
    "ffmpeg builds of the renderers."
    sources: tuple[str, ...] = ()
    "Footage sources of the retrievers, in order of preference."


@dataclass(frozen=True)
class Canvas:
    """The server's part of the profile; the request decides the shape."""

    resolution: int = 1080
    "The shorter side in pixels."
    preset: str = "veryfast"

    def profile(self, request: VideoRequest) -> Profile:
        wide, high = (int(part) for part in request.aspect.split(":"))
        unit = self.resolution / min(wide, high)
        return Profile(width=_even(wide * unit), height=_even(high * unit), preset=self.preset)


class Film:
    """Wants everything a film is made of, as far as its inputs are there."""

    def __init__(self, board: Board, fleet: Fleet, canvas: Canvas) -> None:
        self.board, self.fleet, self.canvas = board, fleet, canvas

    def want(self) -> None:
        body = self.board.body(self.board.job.request)
        plan = self.board.want("plan", PlanSpec(request=self.board.job.request))
        story = self.board.body(plan.storyboard) if plan is not None else None
        if body is None or story is None:
            return
        self.request = _parsed(VideoRequest, body)
        self.story = _parsed(Storyboard, story)
        self.profile = self.canvas.profile(self.request)
        self.estimates = {
            shot.id: round(scene.estimate / len(scene.shots), 2) for scene in self.story.scenes for shot in scene.shots
        }
        self._expect()
        narrations = self._narrations()
        footage = self._footage()
        layout = self._layout(narrations) if narrations is not None else None
        if layout is not None and narrations is not None:
            self._render(layout, narrations, footage)

    def _expect(self) -> None:
        scenes, shots = self.story.scenes, _shots(self.story)
        self.board.expect(*(f"speak:{scene.id}" for scene in scenes if scene.narration))
        self.board.expect(*(f"search:{shot.id}" for shot in shots if shot.media is None))
        self.board.expect(*(f"acquire:{shot.id}" for shot in shots))
        self.board.expect(*(_segment(scene) for scene in scenes), "mix", "assemble", "publish")

    # sound

    def _narrations(self) -> dict[str, Narration] | None:
        """Narrations by scene, once all are spoken."""
        pace = self.board.pin("pace", self.story.pace)
        found: dict[str, Narration] = {}
        spoken = [scene for scene in self.story.scenes if scene.narration]
        for scene in spoken:
            spec = SpeakSpec(text=scene.narration, language=self.request.language, voice=self.request.voice, pace=pace)
            narration = self.board.want(f"speak:{scene.id}", spec)
            if narration is not None:
                found[scene.id] = narration
        return found if len(found) == len(spoken) else None

    def _layout(self, narrations: Mapping[str, Narration]) -> Layout | None:
        """The layout; None while the words are spoken once more at a pace that fits the target better."""
        pins = self.board.pins
        layout = lay_out(self.story, narrations, self.profile.fps, pins["pace"])
        if layout.pace is not None and not pins.get("paced"):
            pins["pace"], pins["paced"] = layout.pace, True
            self._narrations()
            return None
        pins["note"] = " ".join(note for note in (layout.note, timeline.script_note(self.request, self.story)) if note)
        pins["seconds"] = round(layout.frames / self.profile.fps, 3)
        return layout

    # pictures

    def _footage(self) -> dict[str, Footage]:
        """Footage by shot, as far as it is there."""
        while True:
            chosen = self._own_media() | self._cast()
            found = {shot: self._acquire(shot, candidate) for shot, candidate in chosen.items()}
            lost = [shot for shot, one in chosen.items() if self._expendable(shot, one)]
            if not lost:
                return {shot: footage for shot, footage in found.items() if footage is not None}
            for shot in lost:
                self._reject(shot, chosen[shot])

    def _own_media(self) -> dict[str, Candidate]:
        own = (shot for shot in _shots(self.story) if shot.media is not None)
        return {shot.id: timeline.own_media(shot) for shot in own}

    def _acquire(self, shot: str, candidate: Candidate) -> Footage | None:
        name = f"acquire:{shot}"
        # How well it fits is no part of what is fetched.
        spec = AcquireSpec(
            candidate=candidate.model_copy(update={"score": 0.0}), width=self.profile.width, height=self.profile.height
        )
        footage: Footage | None = self.board.want(name, spec)
        return footage

    def _expendable(self, shot: str, candidate: Candidate) -> bool:
        """True for footage that cannot be had but can be replaced: not the user's own, and not the last resort."""
        failed = f"acquire:{shot}" in self.board.final
        return failed and candidate.media is None and candidate.kind != "scenery"

    def _cast(self) -> dict[str, Candidate]:
        """The choice for every shot without media of its own, once all searches have ended."""
        shots = [shot for shot in _shots(self.story) if shot.media is None]
        sources = self.board.pin("sources", list(self.request.footage.sources) or list(self.fleet.sources))
        if not shots or not sources:
            return {}
        found = [self._search(shot, tuple(sources)) for shot in shots]
        ended = [
            facts is not None or f"search:{shot.id}" in self.board.final
            for shot, facts in zip(shots, found, strict=True)
        ]
        for shot in shots:
            self.board.final.pop(f"search:{shot.id}", None)  # a shot nobody has anything for gets scenery
        if not all(ended):
            return {}
        lists: dict[str, tuple[Candidate, ...]] = {}
        for shot, facts in zip(shots, found, strict=True):
            body = self.board.body(facts.candidates) if facts is not None else b'{"candidates":[]}'
            if body is None:
                continue
            lists[shot.id] = _parsed(CandidateList, body).candidates
        return self._choose([shot.id for shot in shots], lists) if len(lists) == len(shots) else {}

    def _search(self, shot: Shot, sources: tuple[Any, ...]) -> Any:
        query = ShotQuery(
            shot=shot.id,
            show=shot.show,
            terms=shot.terms,
            about=self.story.topic,
            seconds=self.estimates[shot.id],
            width=self.profile.width,
            height=self.profile.height,
            sources=sources,
            language=self.request.language,
            seed=self.request.seed,
        )
        return self.board.want(f"search:{shot.id}", SearchSpec(query=query))

    def _choose(self, shots: list[str], lists: Mapping[str, tuple[Candidate, ...]]) -> dict[str, Candidate]:
        before = self.board.facts_of("cast") or CastFacts()
        chosen = cast(shots, lists, before.chosen, before.rejected)
        facts = CastFacts(chosen={shot: one.id for shot, one in chosen.items()}, rejected=before.rejected)
        if facts != before:
            self.board.settle("cast", fingerprint("cast", facts), facts)
        return chosen

    def _reject(self, shot: str, candidate: Candidate) -> None:
        del self.board.final[f"acquire:{shot}"]
        before = self.board.facts_of("cast")
        rejected = {**before.rejected, shot: (*before.rejected.get(shot, ()), candidate.id)}
        facts = CastFacts(chosen=before.chosen, rejected=rejected)
        self.board.settle("cast", fingerprint("cast", facts), facts)

    # the film

    def _render(self, layout: Layout, narrations: Mapping[str, Narration], footage: Mapping[str, Footage]) -> None:
        build = self._build()
        if not build:
            return
        segments = []
        for slot in layout.slots:
            if all(slot.scene.shots[index].id in footage for index, _ in slot.shots):
                scene = timeline.scene_timeline(
                    slot, footage, narrations.get(slot.scene.id), self.request, self.profile
                )
                spec = SegmentSpec(
                    timeline=scene,
                    profile=self.profile,
                    style=self.request.style,
                    captions=timeline.burned(self.request, self.profile),
                    build=build,
                )
                segments.append((slot, self.board.want(_segment(slot.scene), spec)))
        mix = self.board.want("mix", self._mix_spec(layout, narrations, build))
        if mix is None or len(segments) < len(layout.slots) or any(facts is None for _, facts in segments):
            return
        self._finish(layout, narrations, [facts for _, facts in segments], mix, build)

    def _mix_spec(self, layout: Layout, narrations: Mapping[str, Narration], build: str) -> MixSpec:
        music = timeline.music(self.request, self.story)
        return timeline.mix_spec(layout, narrations, music, self.profile, build)

    def _finish(
        self, layout: Layout, narrations: Mapping[str, Narration], segments: list[Any], mix: MixFacts, build: str
    ) -> None:
        spec = AssembleSpec(
            segments=timeline.segment_refs(layout, segments),
            mix=mix.media,
            profile=self.profile,
            speech=timeline.speech(layout, narrations, self.profile),
            captions=timeline.caption_files(self.request, self.profile),
            build=build,
        )
        film = self.board.want("assemble", spec)
        if film is not None:
            job_id = self.board.job.id
            self.board.want("publish", PublishSpec(job_id=job_id, film=film.media, thumbnail=film.thumbnail))

    def _build(self) -> str:
        """The ffmpeg build of the film. When no worker has it any more, the film moves to one that is there."""
        pinned = str(self.board.pins.get("build") or "")
        if self.fleet.builds and pinned not in self.fleet.builds:
            rendering = any(
                step.state == RUNNING and kind_of(name) in ("segment", "mix", "assemble")
                for name, step in self.board.steps.items()
            )
            if not (pinned and rendering):
                pinned = self.board.pins["build"] = self.fleet.builds[0]
        return pinned


def _shots(story: Storyboard) -> list[Shot]:
    return [shot for scene in story.scenes for shot in scene.shots]


def _segment(scene: Scene) -> str:
    return f"segment:{scene.id}.0"


@functools.lru_cache(maxsize=4096)
def _parsed(kind: type[Body], body: bytes) -> Body:
    """Stored objects never change, and a job is looked at many times."""
    return kind.model_validate_json(body)


def _even(pixels: float) -> int:
    return 2 * round(pixels / 2)
