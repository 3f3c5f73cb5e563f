"""A finished film as editors take it: an OpenTimelineIO document that names the media beside it. Pure.

Three tracks: the clips with their transitions, the narrations, and the whole mix (switched off, for the music is in
it and the voices would be heard twice). Times are frames of the film, but for narrations, which count in samples.
"""

from collections.abc import Iterator, Sequence
from itertools import accumulate

import opentimelineio as otio
from opentimelineio.opentime import RationalTime, TimeRange

from common.contracts.base import ObjectRef
from common.contracts.grid import SAMPLE_RATE, samples_per_frame
from common.contracts.timeline import Clip, Closing, FilmTimeline, PlacedNarration, SceneCut, SegmentRef

TIMELINE_FILE = "film.otio"
_SUFFIXES = {
    "video/mp4": ".mp4",
    "video/quicktime": ".mov",
    "video/webm": ".webm",
    "video/x-matroska": ".mkv",
    "video/x-msvideo": ".avi",
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/webp": ".webp",
    "image/gif": ".gif",
    "audio/wav": ".wav",
    "audio/x-wav": ".wav",
    "audio/mp4": ".m4a",
}


def media_of(film: FilmTimeline) -> dict[str, ObjectRef]:
    """What lies beside the document, by its name there."""
    found: dict[str, ObjectRef] = {}
    for clip in _clips(film):
        if clip.footage.media is not None:
            found[_footage_name(clip.footage.media)] = clip.footage.media
    painted = {cut.scene for cut in film.cuts if any(clip.footage.media is None for clip in cut.clips)}
    for name, segment in _segment_names(film):
        if segment.scene in painted:
            found[name] = segment.media
    for number, narration in enumerate(film.narrations, 1):
        found[_narration_name(number, narration)] = narration.audio
    found["media/mix.m4a"] = film.mix
    return found


def document(film: FilmTimeline) -> str:
    """The timeline as JSON of OpenTimelineIO; media are named relative to where it lies."""
    timeline = otio.schema.Timeline(film.title)
    timeline.metadata["reelwright"] = {"width": film.width, "height": film.height, "fps": film.fps}
    timeline.tracks.extend([_picture(film), _voices(film), _mix(film)])
    text: str = timeline.to_json_string(indent=1)
    return text


def _picture(film: FilmTimeline) -> otio.schema.Track:
    track = otio.schema.Track("Picture", kind=otio.schema.TrackKind.Video)
    for cut in film.cuts:
        rendered = _rendered(film, cut.scene)
        for start, clip in zip(_starts(cut), cut.clips, strict=True):
            if clip.footage.media is not None:
                track.append(_clip(clip, clip.footage.media, film.fps))
            else:
                track.extend(_painted(clip, start, rendered, film.fps))
        if cut.closing is not None:
            track.append(_transition(cut.closing, film.fps))
    return track


def _clip(clip: Clip, media: ObjectRef, fps: int) -> otio.schema.Clip:
    still = clip.footage.kind == "still"
    begin = 0 if still else round(clip.source_start * fps + clip.skip * clip.speed)
    # Editors read the range before its speed is changed.
    made = otio.schema.Clip(
        clip.shot,
        media_reference=otio.schema.ExternalReference(
            _footage_name(media),
            available_range=None if still else _range(0, int(clip.footage.seconds * fps), fps),
        ),
        source_range=_range(begin, clip.frames, fps),
    )
    if clip.speed != 1.0:
        made.effects.append(otio.schema.LinearTimeWarp("speed", time_scalar=clip.speed))
    made.metadata["reelwright"] = {"fit": clip.fit, "motion": clip.motion}
    return made


def _painted(clip: Clip, start: int, rendered: Sequence[tuple[str, int, int]], fps: int) -> Iterator[otio.schema.Clip]:
    """A painted picture has no file of its own: what was rendered of it is shown instead, captions and all."""
    for name, first, frames in rendered:
        begin, end = max(start, first), min(start + clip.frames, first + frames)
        if begin < end:
            reference = otio.schema.ExternalReference(name, available_range=_range(0, frames, fps))
            made = otio.schema.Clip(
                clip.shot, media_reference=reference, source_range=_range(begin - first, end - begin, fps)
            )
            made.metadata["reelwright"] = {"rendered": True}
            yield made


def _transition(closing: Closing, fps: int) -> otio.schema.Transition:
    """It lies before the cut: the clip behind it comes up under the last frames of the one before."""
    kind = otio.schema.TransitionTypes.SMPTE_Dissolve if closing.kind == "crossfade" else "Custom_Transition"
    return otio.schema.Transition(
        closing.kind,
        transition_type=kind,
        in_offset=RationalTime(closing.frames, fps),
        out_offset=RationalTime(0, fps),
        metadata={"reelwright": {"kind": closing.kind}},
    )


def _voices(film: FilmTimeline) -> otio.schema.Track:
    track = otio.schema.Track("Narration", kind=otio.schema.TrackKind.Audio)
    at = 0
    for number, narration in enumerate(film.narrations, 1):
        if narration.start > at:
            track.append(otio.schema.Gap(source_range=_range(0, narration.start - at, SAMPLE_RATE)))
        track.append(
            otio.schema.Clip(
                f"narration {number}",
                media_reference=otio.schema.ExternalReference(_narration_name(number, narration)),
                source_range=_range(0, narration.samples, SAMPLE_RATE),
            )
        )
        at = narration.start + narration.samples
    return track


def _mix(film: FilmTimeline) -> otio.schema.Track:
    samples = sum(cut.frames for cut in film.cuts) * samples_per_frame(film.fps)
    track = otio.schema.Track("Mix", kind=otio.schema.TrackKind.Audio)
    reference = otio.schema.ExternalReference("media/mix.m4a", available_range=_range(0, samples, SAMPLE_RATE))
    track.append(otio.schema.Clip("mix", media_reference=reference, source_range=_range(0, samples, SAMPLE_RATE)))
    track.enabled = False
    return track


def _rendered(film: FilmTimeline, scene: str) -> list[tuple[str, int, int]]:
    """The segments of a scene: name, the frame of the scene each begins at, and its frames."""
    mine = [(name, segment.frames) for name, segment in _segment_names(film) if segment.scene == scene]
    firsts = accumulate((frames for _, frames in mine), initial=0)
    return [(name, first, frames) for (name, frames), first in zip(mine, firsts, strict=False)]


def _segment_names(film: FilmTimeline) -> Iterator[tuple[str, SegmentRef]]:
    for number, segment in enumerate(film.segments, 1):
        yield f"media/rendered-{number:03}.mp4", segment


def _footage_name(media: ObjectRef) -> str:
    return f"media/{media.sha256[:16]}{_SUFFIXES.get(media.media_type, '')}"


def _narration_name(number: int, narration: PlacedNarration) -> str:
    return f"media/narration-{number:03}{_SUFFIXES.get(narration.audio.media_type, '.wav')}"


def _clips(film: FilmTimeline) -> Iterator[Clip]:
    for cut in film.cuts:
        yield from cut.clips


def _starts(cut: SceneCut) -> Iterator[int]:
    return accumulate((clip.frames for clip in cut.clips[:-1]), initial=0)


def _range(start: int, length: int, rate: int) -> TimeRange:
    return TimeRange(RationalTime(start, rate), RationalTime(length, rate))
