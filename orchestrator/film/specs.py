"""The spec of each step of a film. Pure: each function takes what the film has at hand and gives the spec."""

from typing import Any

from common.contracts.base import ObjectRef, canonical_json
from common.contracts.footage import Candidate, Footage, ShotQuery
from common.contracts.narration import Narration
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
from common.contracts.storyboard import UNNAMED, Scene, Shot
from common.contracts.timeline import CutList, Profile, SceneCut
from orchestrator.film import clips, soundtrack, wording
from orchestrator.film.brief import Brief
from orchestrator.film.layout import Layout, Part, Placement
from orchestrator.planners.rules import search_terms


def plan(request: ObjectRef, base: ObjectRef | None, edit: ObjectRef | None) -> PlanSpec:
    return PlanSpec(request=request, base=base, edit=edit)


def speak(brief: Brief, scene: Scene, pace: float) -> SpeakSpec:
    request = brief.request
    voice = brief.story.voice_or(request.voice)
    return SpeakSpec(text=scene.narration, language=request.language, voice=voice, pace=pace)


def search(brief: Brief, scene: Scene, shot: Shot, sources: tuple[Any, ...]) -> SearchSpec:
    request, topic, profile = brief.request, brief.story.topic, brief.profiles.full
    show = "" if shot.show == UNNAMED else shot.show
    # A shot that was to show the user's own media was never meant to be searched for.
    terms = shot.terms or (search_terms(show, scene.narration, topic) if shot.media is not None else ())
    query = ShotQuery(
        shot=shot.id,
        show=show,
        terms=terms,
        about=topic,
        seconds=round(scene.search_seconds / len(scene.shots), 2),
        width=profile.width,
        height=profile.height,
        sources=sources,
        language=request.language,
        seed=request.seed if shot.seed is None else shot.seed,
    )
    return SearchSpec(query=query)


def acquire(candidate: Candidate, profile: Profile) -> AcquireSpec:
    # Its score does not change what is fetched.
    plain = candidate.model_copy(update={"score": 0.0})
    return AcquireSpec(candidate=plain, width=profile.width, height=profile.height)


def segment(
    brief: Brief,
    placement: Placement,
    part: Part,
    narration: Narration | None,
    after: tuple[Placement, Footage, tuple[str, ...]] | None,
    credit: tuple[str, ...],
    *footage: Footage,
) -> SegmentSpec:
    """`after` is the next placement, its first footage and the lines of its card, for a transition."""
    request, story, profile = brief.request, brief.story, brief.profiles.picture
    closing = clips.closing_of(placement, *after, request, profile) if after is not None else None
    return SegmentSpec(
        timeline=clips.scene_timeline(placement, part, footage, narration, closing, request, profile),
        profile=profile,
        style=request.style,
        captions=wording.burned(request, story, profile),
        voice=narration.audio if narration is not None and part.alone else None,
        sound=part.alone,
        card=wording.card(placement.scene, credit),
        mark=wording.watermark(request, story),
    )


def cut(
    brief: Brief,
    placement: Placement,
    after: tuple[Placement, Footage, tuple[str, ...]] | None,
    credit: tuple[str, ...],
    *footage: Footage,
) -> SceneCut:
    request, profile = brief.request, brief.profiles.picture
    closing = clips.closing_of(placement, *after, request, profile) if after is not None else None
    words = wording.card(placement.scene, credit)
    return clips.scene_cut(placement, closing, words, footage, request, profile.fps)


def scene(
    placement: Placement, segments: tuple[SegmentFacts, ...], narration: Narration | None, profile: Profile
) -> SceneSpec:
    return SceneSpec(
        segments=clips.segment_refs(placement.scene.id, segments),
        profile=profile,
        voice=narration.audio if narration is not None else None,
        voice_offset=placement.voice_offset,
    )


def mix(brief: Brief, layout: Layout, narrations: tuple[Narration | None, ...]) -> MixSpec:
    """`narrations` has one entry per placement."""
    sound = brief.profiles.sound
    dips = soundtrack.dips(layout, brief.request, sound.fps)
    return soundtrack.mix_spec(layout, narrations, soundtrack.music(brief.request, brief.story), sound, dips)


def assemble(
    brief: Brief,
    layout: Layout,
    narrations: tuple[Narration | None, ...],
    segments: tuple[tuple[SegmentFacts, ...], ...],
    cuts: tuple[SceneCut, ...],
    mix: MixFacts,
) -> AssembleSpec:
    """`narrations` and `segments` have one entry per placement."""
    request, story, profile = brief.request, brief.story, brief.profiles.picture
    joined = zip(layout.placements, segments, strict=True)
    shown = CutList(
        cuts=cuts,
        narrations=soundtrack.placed(layout, narrations, profile.fps),
        music=mix.music,
        mark=wording.watermark(request, story),
    )
    return AssembleSpec(
        segments=tuple(ref for one, facts in joined for ref in clips.segment_refs(one.scene.id, facts)),
        mix=mix.media,
        profile=profile,
        speech=wording.speech(layout, narrations),
        captions=wording.caption_files(request, profile),
        title=story.title,
        cut_list=canonical_json(shown),
    )


def publish(job_id: str, film: AssembleFacts) -> PublishSpec:
    return PublishSpec(job_id=job_id, film=film.media, thumbnail=film.thumbnail)
