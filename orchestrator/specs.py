"""What each step of a film is told. Pure: each takes what the film has at hand and gives the spec."""

from typing import Any

from common.contracts.base import ObjectRef
from common.contracts.footage import Candidate, Footage, ShotQuery
from common.contracts.narration import Narration
from common.contracts.request import VideoRequest
from common.contracts.steps import (
    AcquireSpec,
    AssembleFacts,
    AssembleSpec,
    MixFacts,
    MixSpec,
    PlanSpec,
    PublishSpec,
    SearchSpec,
    SegmentFacts,
    SegmentSpec,
    SpeakSpec,
)
from common.contracts.storyboard import UNNAMED, Scene, Shot, Storyboard
from common.contracts.timeline import Profile
from orchestrator import timeline
from orchestrator.layout import Layout, Slot
from orchestrator.planners.rules import search_terms


def plan(request: ObjectRef, base: ObjectRef | None, edit: ObjectRef | None) -> PlanSpec:
    return PlanSpec(request=request, base=base, edit=edit)


def speak(scene: Scene, story: Storyboard, request: VideoRequest, pace: float) -> SpeakSpec:
    voice = story.voice_or(request.voice)
    return SpeakSpec(text=scene.narration, language=request.language, voice=voice, pace=pace)


def search(
    scene: Scene, shot: Shot, story: Storyboard, request: VideoRequest, profile: Profile, sources: tuple[Any, ...]
) -> SearchSpec:
    show = "" if shot.show == UNNAMED else shot.show
    # A shot that was to show the user's own media was never meant to be searched for.
    terms = shot.terms or (search_terms(show, scene.narration, story.topic) if shot.media is not None else ())
    query = ShotQuery(
        shot=shot.id,
        show=show,
        terms=terms,
        about=story.topic,
        seconds=round(scene.search_seconds / len(scene.shots), 2),
        width=profile.width,
        height=profile.height,
        sources=sources,
        language=request.language,
        seed=request.seed if shot.seed is None else shot.seed,
    )
    return SearchSpec(query=query)


def acquire(candidate: Candidate, profile: Profile) -> AcquireSpec:
    # How well it fits is no part of what is fetched.
    plain = candidate.model_copy(update={"score": 0.0})
    return AcquireSpec(candidate=plain, width=profile.width, height=profile.height)


def segment(
    slot: Slot, narration: Narration | None, request: VideoRequest, profile: Profile, *footage: Footage
) -> SegmentSpec:
    return SegmentSpec(
        timeline=timeline.scene_timeline(slot, footage, narration, request, profile),
        profile=profile,
        style=request.style,
        captions=timeline.burned(request, profile),
        voice=narration.audio if narration is not None else None,
    )


def mix(
    layout: Layout,
    narrations: tuple[Narration | None, ...],
    story: Storyboard,
    request: VideoRequest,
    profile: Profile,
) -> MixSpec:
    return timeline.mix_spec(layout, narrations, timeline.music(request, story), profile)


def assemble(
    layout: Layout,
    narrations: tuple[Narration | None, ...],
    segments: tuple[SegmentFacts, ...],
    mix: MixFacts,
    request: VideoRequest,
    profile: Profile,
) -> AssembleSpec:
    return AssembleSpec(
        segments=timeline.segment_refs(layout, segments),
        mix=mix.media,
        profile=profile,
        speech=timeline.speech(layout, narrations, profile),
        captions=timeline.caption_files(request, profile),
    )


def publish(job_id: str, film: AssembleFacts) -> PublishSpec:
    return PublishSpec(job_id=job_id, film=film.media, thumbnail=film.thumbnail)
