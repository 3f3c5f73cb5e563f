"""From layout, narration and footage to what the renderer is told. Pure."""

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise

from common.contracts.footage import Candidate, Footage, Provenance, own_id
from common.contracts.grid import samples_per_frame
from common.contracts.narration import Narration, Word
from common.contracts.request import Fit, TransitionKind, VideoRequest
from common.contracts.steps import MixSpec, SegmentFacts
from common.contracts.storyboard import Scene, Shot, Storyboard
from common.contracts.styles import DEFAULTS
from common.contracts.timeline import (
    Card,
    Clip,
    Closing,
    Motion,
    MusicCue,
    PlacedNarration,
    PlacedWatermark,
    Profile,
    SceneCut,
    SceneTimeline,
    SegmentRef,
    SoundProfile,
    Span,
    SpokenScene,
    TextFrame,
)
from common.letters import bundled
from orchestrator.film.layout import Layout, Part, Placement

MOVES: tuple[Motion, ...] = ("zoom-in", "pan-left", "zoom-out", "pan-right")
"Camera moves over stills, in turn."
HEAD_ROOM = 0.5
"Seconds of a clip left out at its start, when it is long enough: many begin with a fade."
DIPS: frozenset[TransitionKind] = frozenset({"dip-black", "dip-white"})
"Transitions in which nothing is seen for a moment; the bed pauses with them."
LONGEST_TRANSITION = 0.5
"Seconds before its first picture that a scene keeps in reserve, whatever precedes it: so it does not depend on that."
SLOWEST, FASTEST = 0.8, 1.25
"Speeds at which people, water and traffic still look right."


def own_media(shot: Shot) -> Candidate:
    """Media the user brought, in the form in which it can be acquired."""
    assert shot.media is not None
    return Candidate(
        id=own_id(shot.media),
        kind="video",
        score=1.0,
        media=shot.media,
        provenance=Provenance(provider="upload" if shot.media.asset else "url", source_id=shot.media.asset or ""),
    )


def scene_timeline(
    placement: Placement,
    part: Part,
    footage: Sequence[Footage],
    narration: Narration | None,
    closing: Closing | None,
    request: VideoRequest,
    profile: Profile,
) -> SceneTimeline:
    """One part of a scene by itself. `footage` is that of the part's pieces, in order.

    Nothing in it tells where in the film the scene is, so that it need not be rendered again when others change.
    """
    clips = [
        _cut(clip_of(placement, piece.shown, media, request, profile.fps), piece.skip, piece.frames)
        for piece, media in zip(part.pieces, footage, strict=True)
    ]
    return SceneTimeline(
        scene=placement.scene.id,
        first=part.first,
        frames=part.frames,
        length=placement.frames,
        closing=closing,
        clips=tuple(clips),
        voice_offset=placement.voice_offset,
        words=_words(placement, narration) if narration is not None else (),
    )


def scene_cut(
    placement: Placement,
    closing: Closing | None,
    words: Card | None,
    footage: Sequence[Footage],
    request: VideoRequest,
    fps: int,
) -> SceneCut:
    """What a scene shows. `footage` is that of all its shots, in order."""
    clips = (clip_of(placement, shown, media, request, fps) for shown, media in enumerate(footage))
    return SceneCut(scene=placement.scene.id, frames=placement.frames, closing=closing, clips=tuple(clips), card=words)


def transition_into(scene: Scene, request: VideoRequest) -> TransitionKind:
    """How a scene that is not the first begins."""
    return scene.transition or request.transition.kind or DEFAULTS[request.style].transition


def closing_of(
    placement: Placement,
    after: Placement,
    footage: Footage,
    credit: Sequence[str],
    request: VideoRequest,
    profile: Profile,
) -> Closing | None:
    """The transition from `placement` into the placement `after`, or None for a cut.

    `footage` is that of the first shot there, `credit` the lines of the card there.

    Where there is not enough of either picture, it is cut.
    """
    kind, frames = transition_into(after.scene, request), _transition_frames(request, profile.fps)
    first = clip_of(after, 0, footage, request, profile.fps)
    if kind == "cut" or not _holds_transition(placement, frames) or first.skip < frames:
        return None
    words = card(after.scene, credit)
    ground = words.kind if words is not None else None
    return Closing(kind=kind, frames=frames, head=_cut(first, -frames, frames), ground=ground)


def _transition_frames(request: VideoRequest, fps: int) -> int:
    return round(request.transition.seconds * fps)


def _holds_transition(placement: Placement, frames: int) -> bool:
    """Whether the last shot is long enough to be seen before its transition, too."""
    return placement.shots[-1][1] >= 2 * frames


def _cut(clip: Clip, skip: int, frames: int) -> Clip:
    """So many frames of the clip, from its frame `skip` on; what it has in reserve lies before its frame 0."""
    return clip.model_copy(update={"skip": clip.skip + skip, "frames": frames})


def mix_spec(
    layout: Layout,
    narrations: Sequence[Narration | None],
    music: MusicCue | None,
    sound: SoundProfile,
    dips: tuple[Span, ...] = (),
) -> MixSpec:
    """`narrations` is that of each placement."""
    spoken = placed(layout, narrations, sound.fps)
    return MixSpec(frames=layout.frames, sound=sound, narrations=spoken, music=music, dips=dips)


def dips(layout: Layout, request: VideoRequest, fps: int) -> tuple[Span, ...]:
    """Where the picture is to go down to black or white; the sound does not wait for footage that may be too short."""
    frames = _transition_frames(request, fps)
    return tuple(
        Span(start=start - frames, end=start)
        for (before, placement), start in zip(pairwise(layout.placements), layout.starts[1:], strict=True)
        if transition_into(placement.scene, request) in DIPS and _holds_transition(before, frames)
    )


def placed(layout: Layout, narrations: Sequence[Narration | None], fps: int) -> tuple[PlacedNarration, ...]:
    """The narrations on the film's time axis; `narrations` is that of each placement."""
    step = samples_per_frame(fps)
    return tuple(
        PlacedNarration(audio=narration.audio, start=start * step + placement.voice_offset, samples=narration.samples)
        for placement, start, narration in _narrated(layout, narrations)
    )


def segment_refs(scene: str, segments: Sequence[SegmentFacts]) -> tuple[SegmentRef, ...]:
    """The segments of one scene."""
    return tuple(SegmentRef(scene=scene, media=facts.media, frames=facts.frames) for facts in segments)


def speech(layout: Layout, narrations: Sequence[Narration | None]) -> tuple[SpokenScene, ...]:
    """What is said in each narrated scene. `narrations` is that of each placement."""
    return tuple(
        SpokenScene(start=start, frames=placement.frames, words=_words(placement, narration))
        for placement, start, narration in _narrated(layout, narrations)
    )


def burned(request: VideoRequest, story: Storyboard, profile: Profile) -> TextFrame | None:
    """How captions look in a film that has some in its pictures; the same for all scenes, spoken or not."""
    spoken = any(scene.narration for scene in story.scenes)
    return _text_frame(request, profile) if request.captions == "burn" and spoken else None


def script_note(request: VideoRequest, story: Storyboard) -> str:
    """What to know when words are drawn in a script that the font which comes with Reelwright lacks."""
    drawn = [request.watermark.text or ""] if request.watermark is not None else []
    drawn += [text for scene in story.scenes if scene.card for text in (scene.card.text, scene.card.subtitle)]
    said = [scene.narration for scene in story.scenes] if request.captions == "burn" else []
    foreign = [
        name
        for name, texts in (("captions", said), ("titles and marks", drawn))
        if any(letter.isalpha() and not bundled(letter) for text in texts for letter in text)
    ]
    if not foreign:
        return ""
    return (
        f"The {' and the '.join(foreign)} need a font for their script on the rendering machine, such as Noto; "
        "without it they show boxes."
    )


def caption_files(request: VideoRequest, profile: Profile) -> TextFrame | None:
    return _text_frame(request, profile) if request.captions != "none" else None


def _text_frame(request: VideoRequest, profile: Profile) -> TextFrame:
    return TextFrame(style=request.style, width=profile.width, height=profile.height)


def music(request: VideoRequest, story: Storyboard) -> MusicCue | None:
    """The bed: the user's file, or one composed to the mood asked for or the style's."""
    choice = request.music
    if not choice.enabled:
        return None
    mood = story.mood or choice.mood or DEFAULTS[request.style].mood
    return MusicCue(mood=mood, seed=request.seed, media=None if story.mood else story.music, volume=choice.volume)


def watermark(request: VideoRequest, story: Storyboard) -> PlacedWatermark | None:
    """The watermark, if one is wanted."""
    wanted = request.watermark
    if wanted is None:
        return None
    return PlacedWatermark(
        media=story.watermark,
        text=wanted.text or "",
        position=wanted.position,
        opacity=wanted.opacity,
        size=wanted.size,
    )


def credit_lines(footage: Sequence[Footage]) -> tuple[str, ...]:
    """Whom to name for the footage of a film: each line once, in the order of the film."""
    told = (one.provenance.credit or one.provenance.creator for one in footage)
    return tuple(dict.fromkeys(line for line in told if line))


def card(scene: Scene, credit: Sequence[str]) -> Card | None:
    """The words over a scene that is a card; `credit` are the lines of the whole film.

    None as well for an end card on which there is nobody to name and nothing else to say: its picture ends the film.
    """
    if scene.card is None:
        return None
    lines = tuple(credit) if scene.credits else ()
    return scene.card.model_copy(update={"lines": lines}) if lines or scene.card.text else None


def clip_of(placement: Placement, shown: int, footage: Footage, request: VideoRequest, fps: int) -> Clip:
    """The whole stretch for which the placement shows its shot at index `shown`."""
    index, frames = placement.shots[shown]
    shot = placement.scene.shots[index]
    # What the user brought is seen from its beginning where no transition needs that.
    whole = footage.provenance.own and transition_into(placement.scene, request) == "cut"
    reserve = 0 if shown or whole else round(LONGEST_TRANSITION * fps)
    start, speed = _excerpt(footage, frames / fps, reserve / fps)
    lead = _lead(footage, start, speed, frames, reserve, fps)
    return Clip(
        shot=shot.id,
        # Who made it and when it was fetched does not change the picture, so it must not change the fingerprint.
        footage=footage.model_copy(update={"provenance": Provenance(provider=footage.provenance.provider)}),
        frames=frames,
        skip=lead,
        length=lead + frames,
        source_start=start,
        speed=speed,
        fit=request.footage.fit,
        motion=_motion(shot, footage, request.footage.fit),
    )


def _motion(shot: Shot, footage: Footage, fit: Fit) -> Motion:
    """How the camera moves over a still; a picture that is to be seen whole would lose its edges."""
    whole = footage.kind != "still" or fit == "contain-blur"
    return "none" if whole else MOVES[sum(map(ord, shot.id)) % len(MOVES)]


def _excerpt(footage: Footage, seconds: float, reserve: float) -> tuple[float, float]:
    """Where in the footage the reserve before a clip of `seconds` begins, and at which speed it plays.

    Footage that is too short plays slower, as far as one does not see it; what the user brought plays faster when it
    is a little too long, so that it is seen to its end.
    """
    have = footage.seconds
    if footage.kind != "video" or have <= 0:
        return 0.0, 1.0
    if have < seconds:
        return 0.0, max(SLOWEST, math.floor(10_000 * have / seconds) / 10_000)
    if footage.provenance.own:
        fits = have <= FASTEST * (seconds + reserve)
        return 0.0, max(1.0, math.floor(10_000 * have / (seconds + reserve)) / 10_000) if fits else 1.0
    # The reserve is left out as well, unless a transition shows it.
    spare, head = have - seconds - reserve, HEAD_ROOM - reserve
    return (round(min(head, spare / 2), 3) if min(head, spare) > 0.1 else 0.0), 1.0


def _lead(footage: Footage, start: float, speed: float, frames: int, reserve: int, fps: int) -> int:
    """Of the `reserve` before a clip of so many frames, the frames that there is enough footage for."""
    if footage.kind != "video":
        return reserve
    # The last of its frames may be missing.
    seconds = footage.seconds - 1 / max(1.0, footage.fps) - start
    return max(0, min(reserve, int(seconds / speed * fps) - frames))


def _narrated(layout: Layout, narrations: Sequence[Narration | None]) -> Iterator[tuple[Placement, int, Narration]]:
    """The placements in which something is said, and the frame of the film at which each begins."""
    for placement, start, narration in zip(layout.placements, layout.starts, narrations, strict=True):
        if narration is not None:
            yield placement, start, narration


def _words(placement: Placement, narration: Narration) -> tuple[Word, ...]:
    """What is said in the placement, from its start on."""
    late = placement.voice_offset
    return tuple(Word(text=word.text, start=word.start + late, end=word.end + late) for word in narration.words)
