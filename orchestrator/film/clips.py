"""Footage as clips on the time axis of a scene, and the transitions between scenes. Pure."""

import math
from collections.abc import Sequence

from common.contracts.footage import Candidate, Footage, OwnMedia, Provenance, own_id
from common.contracts.narration import Narration
from common.contracts.request import Fit
from common.contracts.sources import UPLOAD, URL
from common.contracts.steps import SegmentFacts
from common.contracts.storyboard import Shot
from common.contracts.timeline import (
    Card,
    Clip,
    Closing,
    Motion,
    SceneCut,
    SceneTimeline,
    SegmentRef,
)
from orchestrator.film.brief import Brief
from orchestrator.film.layout import Part, Placement
from orchestrator.film.wording import card, spoken_words

MOVES: tuple[Motion, ...] = ("zoom-in", "pan-left", "zoom-out", "pan-right")
"Camera moves over stills, in turn."
HEAD_ROOM = 0.5
"Seconds left out at the start of a clip that is long enough: many begin with a fade."
LONGEST_TRANSITION = 0.5
"Seconds before its first picture that a scene keeps in reserve, whatever precedes it, so as not to depend on that."
SLOWEST, FASTEST = 0.8, 1.25
"Speeds at which people, water and traffic still look right."


def own_media(shot: Shot) -> Candidate:
    """Media supplied by the user, in the form in which it can be acquired."""
    assert shot.media is not None
    return Candidate(
        id=own_id(shot.media),
        kind="video",
        score=1.0,
        origin=OwnMedia(media=shot.media),
        provenance=Provenance(provider=UPLOAD if shot.media.asset else URL, source_id=shot.media.asset or ""),
    )


def scene_timeline(
    brief: Brief,
    placement: Placement,
    part: Part,
    footage: Sequence[Footage],
    narration: Narration | None,
    closing: Closing | None,
) -> SceneTimeline:
    """One part of a scene by itself. `footage` is that of the part's pieces, in order.

    It does not contain the scene's place in the film, so that it need not be rendered again when others change.
    """
    clips = [
        _cut(clip_of(brief, placement, piece.shown, media), piece.skip, piece.frames)
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
        words=spoken_words(placement, narration) if narration is not None else (),
    )


def scene_cut(
    brief: Brief, placement: Placement, closing: Closing | None, words: Card | None, footage: Sequence[Footage]
) -> SceneCut:
    """The whole picture of a scene. `footage` is that of all its shots, in order."""
    clips = (clip_of(brief, placement, shown, media) for shown, media in enumerate(footage))
    return SceneCut(scene=placement.scene.id, frames=placement.frames, closing=closing, clips=tuple(clips), card=words)


def closing_of(
    brief: Brief, placement: Placement, after: Placement, footage: Footage, credit: Sequence[str]
) -> Closing | None:
    """The transition from `placement` into the placement `after`, or None for a cut.

    `footage` is that of the first shot of `after`, `credit` the lines of its card.

    If there is not enough of either picture, it is a cut.
    """
    kind, frames = brief.transition_into(after.scene), brief.transition_frames
    first = clip_of(brief, after, 0, footage)
    if kind == "cut" or not holds_transition(placement, frames) or first.skip < frames:
        return None
    words = card(after.scene, credit)
    ground = words.kind if words is not None else None
    return Closing(kind=kind, frames=frames, head=_cut(first, -frames, frames), ground=ground)


def holds_transition(placement: Placement, frames: int) -> bool:
    """True if the last shot is long enough to be seen before its transition, too."""
    return placement.shots[-1][1] >= 2 * frames


def _cut(clip: Clip, skip: int, frames: int) -> Clip:
    """`frames` of the clip, from its frame `skip` on; its reserve lies before its frame 0."""
    return clip.model_copy(update={"skip": clip.skip + skip, "frames": frames})


def segment_refs(scene: str, segments: Sequence[SegmentFacts]) -> tuple[SegmentRef, ...]:
    """The segments of one scene."""
    return tuple(SegmentRef(scene=scene, media=facts.media, frames=facts.frames) for facts in segments)


def clip_of(brief: Brief, placement: Placement, shown: int, footage: Footage) -> Clip:
    """The whole stretch for which the placement shows its shot at index `shown`."""
    fps, (index, frames) = brief.profiles.picture.fps, placement.shots[shown]
    shot = placement.scene.shots[index]
    # The user's own media is seen from its beginning unless a transition needs that.
    whole = footage.provenance.own and brief.transition_into(placement.scene) == "cut"
    reserve = 0 if shown or whole else round(LONGEST_TRANSITION * fps)
    start, speed = _excerpt(footage, frames / fps, reserve / fps)
    lead = _lead(footage, start, speed, frames, reserve, fps)
    return Clip(
        shot=shot.id,
        # Its creator and time of fetching do not change the picture, so they must not change the fingerprint.
        footage=footage.model_copy(update={"provenance": Provenance(provider=footage.provenance.provider)}),
        frames=frames,
        skip=lead,
        length=lead + frames,
        source_start=start,
        speed=speed,
        fit=brief.fit,
        motion=_motion(shot, footage, brief.fit),
    )


def _motion(shot: Shot, footage: Footage, fit: Fit) -> Motion:
    """The camera move over a still; a picture that is to be seen whole has none, as it would lose its edges."""
    whole = footage.kind != "still" or fit == "contain-blur"
    return "none" if whole else MOVES[sum(map(ord, shot.id)) % len(MOVES)]


def _excerpt(footage: Footage, seconds: float, reserve: float) -> tuple[float, float]:
    """Start in the footage of the reserve before a clip of `seconds`, and the speed at which it plays.

    Footage that is too short plays slower, as far as one does not see it; the user's own plays faster if it is a
    little too long, so that it is seen to its end.
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
    """Frames of the `reserve` before a clip of `frames` that there is enough footage for."""
    if footage.kind != "video":
        return reserve
    # The last of its frames may be missing.
    seconds = footage.seconds - 1 / max(1.0, footage.fps) - start
    return max(0, min(reserve, int(seconds / speed * fps) - frames))
