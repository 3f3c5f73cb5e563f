"""A finished film as editors take it: an OpenTimelineIO document that names the media beside it. Pure.

The tracks: the clips with their transitions, the narrations, the music under them, and the whole mix (switched off,
for voices and music would be heard twice). Markers have the texts of cards; the picture of a watermark has a track,
switched off because an editor would show it as large as the canvas. Times of pictures are frames, of sound samples.
"""

from collections.abc import Iterator
from itertools import accumulate
from math import ceil
from typing import Any, NamedTuple

import opentimelineio as otio
from opentimelineio.opentime import RationalTime, TimeRange

from common.contracts.base import ObjectRef
from common.contracts.grid import SAMPLE_RATE, samples_per_frame
from common.contracts.timeline import Card, Clip, Closing, FilmTimeline, PlacedNarration, SceneCut, SegmentRef

TIMELINE_FILE = "film.otio"
_MIX, _MUSIC = "media/mix.m4a", "media/music.flac"
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


class _Span(NamedTuple):
    """A stretch of a scene that shows one clip: frames from `start` up to, not including, `end`."""

    clip: Clip
    start: int
    end: int
    media: ObjectRef | None
    "Of the clip; None: it is shown as it was rendered, captions and all."


def media_of(film: FilmTimeline) -> dict[str, ObjectRef]:
    """The media that lie beside the document, by their names there."""
    media: dict[str, ObjectRef] = {}
    segments = dict(_segment_names(film))
    for cut in film.cuts:
        for span in _spans(cut):
            if span.media is not None:
                media[_footage_name(span.media)] = span.media
            else:
                media |= {name: segments[name].media for name, _, _ in _pieces(film, cut.scene, span)}
    for number, narration in enumerate(film.narrations, 1):
        media[_narration_name(number, narration)] = narration.audio
    media[_MIX] = film.mix
    if film.music is not None:
        media[_MUSIC] = film.music
    if film.mark is not None and film.mark.media is not None:
        media[_watermark_name(film.mark.media)] = film.mark.media
    return media


def document(film: FilmTimeline) -> str:
    """The timeline as JSON of OpenTimelineIO; media are named relative to where it lies."""
    timeline = otio.schema.Timeline(film.title)
    metadata: dict[str, Any] = {"width": film.width, "height": film.height, "fps": film.fps}
    if film.mark is not None:
        metadata["watermark"] = film.mark.model_dump(include={"text", "position", "opacity", "size"})
    timeline.metadata["reelwright"] = metadata
    timeline.tracks.extend([_picture(film), *_watermark(film), _voices(film)])
    if film.music is not None:
        timeline.tracks.append(_sound("Music", _MUSIC, film))
    timeline.tracks.append(_sound("Mix", _MIX, film, enabled=False))
    text: str = timeline.to_json_string(indent=1)
    return text


def _picture(film: FilmTimeline) -> otio.schema.Track:
    track = otio.schema.Track("Picture", kind=otio.schema.TrackKind.Video)
    for cut in film.cuts:
        spans = list(_spans(cut))
        for span in spans:
            if span.media is not None:
                made = list(_clips(span, span.media, film.fps))
                if cut.card is not None:
                    made[0].markers.append(_card_marker(cut.card, made[0].source_range))
                track.extend(made)
            else:
                track.extend(_rendered(span, cut.scene, film))
        # What was rendered has its transition in it.
        if cut.closing is not None and spans[-1].media is not None:
            track.append(_transition(cut.closing, film.fps))
    return track


def _spans(cut: SceneCut) -> Iterator[_Span]:
    """The spans of a scene. A transition to a painted picture is shown as rendered: no file has the frames for it."""
    borrowed = cut.closing is not None and cut.closing.head.footage.media is None
    own = cut.frames - (cut.closing.frames if cut.closing is not None and borrowed else 0)
    for start, clip in zip(_starts(cut), cut.clips, strict=True):
        end = start + clip.frames
        edge = start if clip.footage.media is None else max(start, min(end, own))
        if start < edge:
            yield _Span(clip, start, edge, clip.footage.media)
        if edge < end:
            yield _Span(clip, edge, end, None)


def _clips(span: _Span, media: ObjectRef, fps: int) -> Iterator[otio.schema.Clip]:
    """One clip; if the film holds the last picture of footage that is too short, another that does so."""
    clip, frames = span.clip, span.end - span.start
    if clip.footage.kind == "still":
        yield _clip(clip, media, None, _range(0, frames, fps))
        return
    length, begin = clip.footage.seconds * fps, clip.source_start * fps + clip.skip * clip.speed
    # A part of a frame that is missing is none that is held.
    moving = min(frames, max(1, ceil((length - begin) / clip.speed)))
    there = max(1, int(length))
    available = _range(0, there, fps)
    speed = [otio.schema.LinearTimeWarp("speed", time_scalar=clip.speed)] if clip.speed != 1.0 else []
    # Editors read the range before its speed is changed.
    yield _clip(clip, media, available, _range(min(round(begin), there - 1), moving, fps), *speed)
    if moving < frames:
        held = _range(there - 1, frames - moving, fps)
        yield _clip(clip, media, available, held, otio.schema.FreezeFrame("held"))


def _clip(
    clip: Clip, media: ObjectRef, available: TimeRange | None, shown: TimeRange, *effects: otio.schema.Effect
) -> otio.schema.Clip:
    reference = otio.schema.ExternalReference(_footage_name(media), available_range=available)
    made = otio.schema.Clip(clip.shot, media_reference=reference, source_range=shown)
    made.effects.extend(effects)
    made.metadata["reelwright"] = {"fit": clip.fit, "motion": clip.motion}
    return made


def _rendered(span: _Span, scene: str, film: FilmTimeline) -> Iterator[otio.schema.Clip]:
    segments = dict(_segment_names(film))
    for name, begin, frames in _pieces(film, scene, span):
        available = _range(0, segments[name].frames, film.fps)
        reference = otio.schema.ExternalReference(name, available_range=available)
        shown = _range(begin, frames, film.fps)
        made = otio.schema.Clip(span.clip.shot, media_reference=reference, source_range=shown)
        made.metadata["reelwright"] = {"rendered": True}
        yield made


def _pieces(film: FilmTimeline, scene: str, span: _Span) -> Iterator[tuple[str, int, int]]:
    """The segments that show the span: name, the frame of the segment it begins at, and for how many."""
    first = 0
    for name, segment in _segment_names(film):
        if segment.scene != scene:
            continue
        begin, end = max(span.start, first), min(span.end, first + segment.frames)
        if begin < end:
            yield name, begin - first, end - begin
        first += segment.frames


def _transition(closing: Closing, fps: int) -> otio.schema.Transition:
    """The transition before a cut: the clip after it comes up under the last frames of the one before."""
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


def _sound(name: str, file: str, film: FilmTimeline, enabled: bool = True) -> otio.schema.Track:
    """A sound that lasts as long as the film."""
    length = _range(0, _frames(film) * samples_per_frame(film.fps), SAMPLE_RATE)
    track = otio.schema.Track(name, kind=otio.schema.TrackKind.Audio)
    reference = otio.schema.ExternalReference(file, available_range=length)
    track.append(otio.schema.Clip(name.lower(), media_reference=reference, source_range=length))
    track.enabled = enabled
    return track


def _watermark(film: FilmTimeline) -> Iterator[otio.schema.Track]:
    if film.mark is None or film.mark.media is None:
        return
    track = otio.schema.Track("Watermark", kind=otio.schema.TrackKind.Video)
    reference = otio.schema.ExternalReference(_watermark_name(film.mark.media))
    shown = _range(0, _frames(film), film.fps)
    track.append(otio.schema.Clip("watermark", media_reference=reference, source_range=shown))
    track.enabled = False
    yield track


def _card_marker(card: Card, where: TimeRange) -> otio.schema.Marker:
    """The text of a card over a clip, for an editor to set it again."""
    metadata = {"reelwright": card.model_dump(mode="json")}
    return otio.schema.Marker(card.text or f"{card.kind} card", marked_range=where, metadata=metadata)


def _frames(film: FilmTimeline) -> int:
    return sum(cut.frames for cut in film.cuts)


def _segment_names(film: FilmTimeline) -> Iterator[tuple[str, SegmentRef]]:
    for number, segment in enumerate(film.segments, 1):
        yield f"media/rendered-{number:03}.mp4", segment


def _footage_name(media: ObjectRef) -> str:
    return f"media/{media.sha256[:16]}{_SUFFIXES.get(media.media_type, '')}"


def _watermark_name(media: ObjectRef) -> str:
    return f"media/watermark{_SUFFIXES.get(media.media_type, '')}"


def _narration_name(number: int, narration: PlacedNarration) -> str:
    return f"media/narration-{number:03}{_SUFFIXES.get(narration.audio.media_type, '.wav')}"


def _starts(cut: SceneCut) -> Iterator[int]:
    return accumulate((clip.frames for clip in cut.clips[:-1]), initial=0)


def _range(start: int, length: int, rate: int) -> TimeRange:
    return TimeRange(RationalTime(start, rate), RationalTime(length, rate))
