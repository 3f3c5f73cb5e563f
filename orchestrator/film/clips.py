"""Footage as clips on the time axis of a scene, and the transitions between scenes. Pure."""

import math
from collections.abc import Sequence

from common.contracts.footage import Candidate, Footage, Provenance, own_id
from common.contracts.narration import Narration
from common.contracts.request import Fit, TransitionKind, VideoRequest
from common.contracts.steps import SegmentFacts
from common.contracts.storyboard import Scene, Shot
from common.contracts.styles import DEFAULTS
from common.contracts.timeline import (
    Card,
    Clip,
    Closing,
    Motion,
    Profile,
    SceneCut,
    SceneTimeline,
    SegmentRef,
)
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

    It does not contain the scene's place in the film, so that it need not be rendered again when others change.
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
        words=spoken_words(placement, narration) if narration is not None else (),
    )


def scene_cut(
    placement: Placement,
    closing: Closing | None,
    words: Card | None,
    footage: Sequence[Footage],
    request: VideoRequest,
    fps: int,
) -> SceneCut:
    """The whole picture of a scene. `footage` is that of all its shots, in order."""
    clips = (clip_of(placement, shown, media, request, fps) for shown, media in enumerate(footage))
    return SceneCut(scene=placement.scene.id, frames=placement.frames, closing=closing, clips=tuple(clips), card=words)


def transition_into(scene: Scene, request: VideoRequest) -> TransitionKind:
    """The transition into a scene that is not the first."""
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

    `footage` is that of the first shot of `after`, `credit` the lines of its card.

    If there is not enough of either picture, it is a cut.
    """
    kind, frames = transition_into(after.scene, request), transition_frames(request, profile.fps)
    first = clip_of(after, 0, footage, request, profile.fps)
    if kind == "cut" or not holds_transition(placement, frames) or first.skip < frames:
        return None
    words = card(after.scene, credit)
    ground = words.kind if words is not None else None
    return Closing(kind=kind, frames=frames, head=_cut(first, -frames, frames), ground=ground)


def transition_frames(request: VideoRequest, fps: int) -> int:
    return round(request.transition.seconds * fps)


def holds_transition(placement: Placement, frames: int) -> bool:
    """True if the last shot is long enough to be seen before its transition, too."""
    return placement.shots[-1][1] >= 2 * frames


def _cut(clip: Clip, skip: int, frames: int) -> Clip:
    """`frames` of the clip, from its frame `skip` on; its reserve lies before its frame 0."""
    return clip.model_copy(update={"skip": clip.skip + skip, "frames": frames})


def segment_refs(scene: str, segments: Sequence[SegmentFacts]) -> tuple[SegmentRef, ...]:
    """The segments of one scene."""
    return tuple(SegmentRef(scene=scene, media=facts.media, frames=facts.frames) for facts in segments)


def clip_of(placement: Placement, shown: int, footage: Footage, request: VideoRequest, fps: int) -> Clip:
    """The whole stretch for which the placement shows its shot at index `shown`."""
    index, frames = placement.shots[shown]
    shot = placement.scene.shots[index]
    # The user's own media is seen from its beginning unless a transition needs that.
    whole = footage.provenance.own and transition_into(placement.scene, request) == "cut"
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
        fit=request.footage.fit,
        motion=_motion(shot, footage, request.footage.fit),
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
