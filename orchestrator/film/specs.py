"""What each step of a film is told. Pure: each takes what the film has at hand and gives the spec."""

from typing import Any

from common.contracts.base import ObjectRef, canonical_json
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
    SceneSpec,
    SearchSpec,
    SegmentFacts,
    SegmentSpec,
    SpeakSpec,
)
from common.contracts.storyboard import UNNAMED, Scene, Shot, Storyboard
from common.contracts.timeline import CutList, Profile, SceneCut, SoundProfile
from orchestrator.film import timeline
from orchestrator.film.layout import Layout, Part, Slot
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
    slot: Slot,
    part: Part,
    alone: bool,
    narration: Narration | None,
    after: tuple[Slot, Footage, tuple[str, ...]] | None,
    credit: tuple[str, ...],
    story: Storyboard,
    request: VideoRequest,
    profile: Profile,
    *footage: Footage,
) -> SegmentSpec:
    """`after` is the next slot, what it shows first and the lines of its card, for a transition.

    `alone`: the scene has no other part.
    """
    closing = timeline.closing_of(slot, *after, request, profile) if after is not None else None
    return SegmentSpec(
        timeline=timeline.scene_timeline(slot, part, footage, narration, closing, request, profile),
        profile=profile,
        style=request.style,
        captions=timeline.burned(request, story, profile),
        voice=narration.audio if narration is not None and alone else None,
        sound=alone,
        card=timeline.card(slot.scene, credit),
        mark=timeline.watermark(request, story),
    )


def cut(
    slot: Slot,
    after: tuple[Slot, Footage, tuple[str, ...]] | None,
    credit: tuple[str, ...],
    request: VideoRequest,
    profile: Profile,
    *footage: Footage,
) -> SceneCut:
    closing = timeline.closing_of(slot, *after, request, profile) if after is not None else None
    return timeline.scene_cut(slot, closing, timeline.card(slot.scene, credit), footage, request, profile.fps)


def scene(slot: Slot, segments: tuple[SegmentFacts, ...], narration: Narration | None, profile: Profile) -> SceneSpec:
    return SceneSpec(
        segments=timeline.segment_refs(slot.scene.id, segments),
        profile=profile,
        voice=narration.audio if narration is not None else None,
        voice_offset=slot.voice_offset,
    )


def mix(
    layout: Layout,
    narrations: tuple[Narration | None, ...],
    story: Storyboard,
    request: VideoRequest,
    sound: SoundProfile,
) -> MixSpec:
    dips = timeline.dips(layout, request, sound.fps)
    return timeline.mix_spec(layout, narrations, timeline.music(request, story), sound, dips)


def assemble(
    layout: Layout,
    narrations: tuple[Narration | None, ...],
    segments: tuple[tuple[SegmentFacts, ...], ...],
    cuts: tuple[SceneCut, ...],
    mix: MixFacts,
    story: Storyboard,
    request: VideoRequest,
    profile: Profile,
) -> AssembleSpec:
    """`segments` are those of each slot."""
    joined = zip(layout.slots, segments, strict=True)
    shown = CutList(
        cuts=cuts,
        narrations=timeline.placed(layout, narrations, profile.fps),
        music=mix.music,
        mark=timeline.watermark(request, story),
    )
    return AssembleSpec(
        segments=tuple(ref for slot, facts in joined for ref in timeline.segment_refs(slot.scene.id, facts)),
        mix=mix.media,
        profile=profile,
        speech=timeline.speech(layout, narrations),
        captions=timeline.caption_files(request, profile),
        title=story.title,
        cut_list=canonical_json(shown),
    )


def publish(job_id: str, film: AssembleFacts) -> PublishSpec:
    return PublishSpec(job_id=job_id, film=film.media, thumbnail=film.thumbnail)
