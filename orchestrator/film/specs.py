"""The spec of each step of a film. Pure: each function takes what the film has at hand and gives the spec."""

from collections.abc import Mapping

from common.contracts.base import ObjectRef, canonical_json
from common.contracts.footage import Candidate, Footage, ShotQuery
from common.contracts.job import VoiceCast
from common.contracts.narration import Narration
from common.contracts.steps import (
    AcquireSpec,
    AssembleFacts,
    AssembleSpec,
    MarkFacts,
    MarkSpec,
    MixFacts,
    MixSpec,
    PlanSpec,
    PublishSpec,
    SceneSpec,
    SearchSpec,
    SegmentFacts,
    SegmentSpec,
    SpeakSpec,
    TakeSpec,
)
from common.contracts.storyboard import Scene, Shot
from common.contracts.timeline import CutList, PlacedWatermark, Profile, SceneCut, TextFrame
from common.prose import sentences
from orchestrator.film import clips, soundtrack, wording
from orchestrator.film.brief import Brief
from orchestrator.film.layout import Layout, Part, Placement
from orchestrator.planners.rests import ends_words


def plan(
    request: ObjectRef, base: ObjectRef | None, edit: ObjectRef | None, transcripts: Mapping[str, ObjectRef]
) -> PlanSpec:
    return PlanSpec(request=request, base=base, edit=edit, transcripts=dict(transcripts))


def speak(brief: Brief, scene: Scene, cast: VoiceCast, pace: float | None) -> SpeakSpec:
    """`pace` is the one that fits the words to the target."""
    return SpeakSpec(
        text=scene.narration,
        language=cast.language,
        voice=cast.voice,
        pace=round((pace or 1.0) * brief.speed, 3),
        pitch=brief.pitch,
        lenient=cast.lenient,
        last=ends_words(brief.scenes, scene) and len(sentences(scene.narration)) > 1,
    )


def take(scene: Scene) -> TakeSpec:
    assert scene.take is not None
    return TakeSpec(take=scene.take)


def search(brief: Brief, scene: Scene, shot: Shot, sources: tuple[str, ...]) -> SearchSpec:
    asked, profile = brief.query(scene, shot), brief.profiles.full
    query = ShotQuery(
        shot=shot.id,
        show=asked.show,
        terms=asked.terms,
        about=brief.story.topic,
        seconds=round(scene.search_seconds / len(scene.shots), 2),
        width=profile.width,
        height=profile.height,
        sources=sources,
        language=brief.language,
        seed=asked.seed,
    )
    return SearchSpec(query=query)


def acquire(candidate: Candidate, profile: Profile) -> AcquireSpec:
    # Its score is no part of the work.
    plain = candidate.model_copy(update={"score": 0.0})
    return AcquireSpec(candidate=plain, width=profile.width, height=profile.height)


def mark(brief: Brief, media: ObjectRef) -> MarkSpec:
    assert brief.watermark is not None
    profile = brief.profiles.picture
    frame = TextFrame(style=brief.style, width=profile.width, height=profile.height)
    return MarkSpec(media=media, opacity=brief.watermark.opacity, size=brief.watermark.size, frame=frame)


def segment(
    brief: Brief,
    drawn: MarkFacts | None,
    placement: Placement,
    part: Part,
    narration: Narration | None,
    after: tuple[Placement, Footage, tuple[str, ...]] | None,
    credit: tuple[str, ...],
    *footage: Footage,
) -> SegmentSpec:
    """`after` is the next placement, its first picture and the lines of its card, for a transition."""
    closing = clips.closing_of(brief, placement, *after) if after is not None else None
    return SegmentSpec(
        timeline=clips.scene_timeline(brief, placement, part, footage, narration, closing),
        profile=brief.profiles.picture,
        style=brief.style,
        captions=brief.burned,
        voice=narration.audio if narration is not None and part.alone else None,
        sound=part.alone,
        card=wording.card(placement.scene, credit),
        mark=_shown(brief.watermark),
        drawn=drawn,
    )


def _shown(mark: PlacedWatermark | None) -> PlacedWatermark | None:
    """The watermark without the user's file: what is shown is drawn from it."""
    return mark if mark is None or mark.media is None else mark.model_copy(update={"media": None})


def cut(
    brief: Brief,
    placement: Placement,
    after: tuple[Placement, Footage, tuple[str, ...]] | None,
    credit: tuple[str, ...],
    *footage: Footage,
) -> SceneCut:
    closing = clips.closing_of(brief, placement, *after) if after is not None else None
    return clips.scene_cut(brief, placement, closing, wording.card(placement.scene, credit), footage)


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
    return MixSpec(
        frames=layout.frames,
        sound=sound,
        narrations=soundtrack.placed(layout, narrations, sound.fps),
        music=brief.music,
        dips=soundtrack.dips(brief, layout),
    )


def assemble(
    brief: Brief,
    layout: Layout,
    narrations: tuple[Narration | None, ...],
    segments: tuple[tuple[SegmentFacts, ...], ...],
    cuts: tuple[SceneCut, ...],
    mix: MixFacts,
) -> AssembleSpec:
    """`narrations` and `segments` have one entry per placement."""
    profile = brief.profiles.picture
    joined = zip(layout.placements, segments, strict=True)
    shown = CutList(
        cuts=cuts,
        narrations=soundtrack.placed(layout, narrations, profile.fps),
        music=mix.music,
        mark=brief.watermark,
    )
    return AssembleSpec(
        segments=tuple(ref for one, facts in joined for ref in clips.segment_refs(one.scene.id, facts)),
        mix=mix.media,
        profile=profile,
        speech=wording.speech(layout, narrations),
        captions=brief.caption_files,
        title=brief.story.title,
        cut_list=canonical_json(shown),
    )


def publish(job_id: str, film: AssembleFacts) -> PublishSpec:
    return PublishSpec(job_id=job_id, film=film.media, thumbnail=film.thumbnail)
