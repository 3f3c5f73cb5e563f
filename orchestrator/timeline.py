"""From layout, narration and footage to what the renderer is told. Pure."""

from collections.abc import Mapping, Sequence

from common.contracts.footage import Candidate, Footage, Provenance
from common.contracts.grid import samples_per_frame
from common.contracts.narration import Narration, Word
from common.contracts.request import Fit, Mood, Style, VideoRequest
from common.contracts.steps import MixSpec, SegmentFacts
from common.contracts.storyboard import Shot, Storyboard
from common.contracts.timeline import (
    CaptionLook,
    Clip,
    Motion,
    MusicCue,
    PlacedNarration,
    Profile,
    SceneTimeline,
    SegmentRef,
)
from orchestrator.layout import Layout, Slot

MOVES: tuple[Motion, ...] = ("zoom-in", "pan-left", "zoom-out", "pan-right")
"Camera moves over stills, in turn."
MOODS: Mapping[Style, Mood] = {
    "cinematic": "calm",
    "documentary": "calm",
    "vivid": "uplifting",
    "mono": "dramatic",
    "vintage": "playful",
    "minimal": "calm",
}
LAST_BUNDLED = 0x052F
"The last letter of Latin, Greek and Cyrillic; Vietnamese and old Greek stand further on."
HEAD_ROOM = 0.5
"Seconds of a clip left out at its start, when it is long enough: many begin with a fade."


def own_media(shot: Shot) -> Candidate:
    """Media the user brought, in the form in which it can be acquired."""
    assert shot.media is not None
    name = shot.media.asset or shot.media.url or ""
    return Candidate(
        id=f"own:{name}",
        kind="video",
        score=1.0,
        media=shot.media,
        provenance=Provenance(provider="upload" if shot.media.asset else "url", source_id=shot.media.asset or ""),
    )


def scene_timeline(
    slot: Slot, footage: Sequence[Footage], narration: Narration | None, request: VideoRequest, profile: Profile
) -> SceneTimeline:
    """One scene by itself. `footage` is that of the shots of the slot, in order.

    Nothing in it tells where in the film the scene is, so that it need not be rendered again when others change.
    """
    clips = []
    elapsed = 0
    for (index, frames), media in zip(slot.shots, footage, strict=True):
        clips.append(_clip(slot.scene.shots[index], media, frames, elapsed, request.footage.fit, profile.fps))
        elapsed += frames
    words = narration.words if narration is not None else ()
    return SceneTimeline(
        scene=slot.scene.id,
        frames=slot.frames,
        clips=tuple(clips),
        voice_offset=slot.voice_offset,
        words=tuple(_shifted(word, slot.voice_offset) for word in words),
    )


def mix_spec(
    layout: Layout, narrations: Sequence[Narration | None], music: MusicCue | None, profile: Profile
) -> MixSpec:
    """`narrations` is that of each slot."""
    placed = [
        PlacedNarration(audio=narration.audio, start=start, samples=narration.samples)
        for narration, start in _placed(layout, narrations, profile)
    ]
    return MixSpec(frames=layout.frames, profile=profile, narrations=tuple(placed), music=music)


def segment_refs(layout: Layout, segments: Sequence[SegmentFacts]) -> tuple[SegmentRef, ...]:
    return tuple(
        SegmentRef(scene=slot.scene.id, media=facts.media, frames=facts.frames)
        for slot, facts in zip(layout.slots, segments, strict=True)
    )


def speech(layout: Layout, narrations: Sequence[Narration | None], profile: Profile) -> tuple[tuple[Word, ...], ...]:
    """The words of each narrated scene on the film's time axis. `narrations` is that of each slot."""
    return tuple(
        tuple(_shifted(word, start) for word in narration.words)
        for narration, start in _placed(layout, narrations, profile)
    )


def burned(request: VideoRequest, profile: Profile) -> CaptionLook | None:
    return _look(request, profile) if request.captions == "burn" else None


def script_note(request: VideoRequest, story: Storyboard) -> str:
    """What to know when captions are burned in a script that the font which comes with Reelwright lacks."""
    letters = {char for scene in story.scenes for char in scene.narration if char.isalpha()}
    foreign = any(ord(char) > LAST_BUNDLED and not 0x1E00 <= ord(char) <= 0x1FFF for char in letters)
    if request.captions != "burn" or not foreign:
        return ""
    return (
        "The captions need a font for their script on the rendering machine, such as Noto; without it they show boxes."
    )


def caption_files(request: VideoRequest, profile: Profile) -> CaptionLook | None:
    return _look(request, profile) if request.captions != "none" else None


def _look(request: VideoRequest, profile: Profile) -> CaptionLook:
    return CaptionLook(style=request.style, width=profile.width, height=profile.height)


def music(request: VideoRequest, story: Storyboard) -> MusicCue | None:
    """The bed: the user's file, or one composed to the mood asked for or the style's."""
    choice = request.music
    if not choice.enabled:
        return None
    mood = choice.mood or MOODS[request.style]
    return MusicCue(mood=mood, seed=request.seed, media=story.music, volume=choice.volume)


def _clip(shot: Shot, footage: Footage, frames: int, phase: int, fit: Fit, fps: int) -> Clip:
    spare = footage.seconds - frames / fps
    return Clip(
        shot=shot.id,
        # Who made it and when it was fetched does not change the picture, so it must not change the fingerprint.
        footage=footage.model_copy(update={"provenance": Provenance(provider=footage.provenance.provider)}),
        frames=frames,
        source_start=round(min(HEAD_ROOM, spare / 2), 3) if spare > 0.1 else 0.0,
        fit=fit,
        motion=MOVES[sum(map(ord, shot.id)) % len(MOVES)] if footage.kind == "still" else "none",
        phase=phase if footage.kind == "scenery" else 0,
    )


def _placed(layout: Layout, narrations: Sequence[Narration | None], profile: Profile) -> list[tuple[Narration, int]]:
    """What is spoken, and the sample of the film with which each narration starts."""
    step = samples_per_frame(profile.fps)
    return [
        (narration, start * step + slot.voice_offset)
        for slot, start, narration in zip(layout.slots, layout.starts, narrations, strict=True)
        if narration is not None
    ]


def _shifted(word: Word, samples: int) -> Word:
    return Word(text=word.text, start=word.start + samples, end=word.end + samples)
