"""What an editor is given."""

import opentimelineio as otio
import pytest
from opentimelineio.opentime import RationalTime

from api.export.otio import document, media_of
from common.contracts.base import ObjectRef
from common.contracts.footage import Footage, Provenance, SceneryRecipe
from common.contracts.timeline import (
    Card,
    Clip,
    Closing,
    FilmTimeline,
    PlacedNarration,
    PlacedWatermark,
    SceneCut,
    SegmentRef,
)

FPS = 30


def ref(name: str, media_type: str = "video/mp4") -> ObjectRef:
    return ObjectRef(key=name, sha256=(name.encode().hex() + "0" * 64)[:64], size=1, media_type=media_type)


def clip(shot: str, frames: int, media: str | None, **fields: float) -> Clip:
    scenery = None if media else SceneryRecipe(theme="ocean", light="day", seed=1)
    footage = Footage(
        kind="video" if media else "scenery",
        media=ref(media) if media else None,
        scenery=scenery,
        seconds=12.0,
        provenance=Provenance(provider="pexels"),
    )
    return Clip.model_validate({"shot": shot, "footage": footage, "frames": frames, "length": frames + 15} | fields)


def closing(head: Clip) -> Closing:
    return Closing(kind="crossfade", frames=12, head=head)


def film() -> FilmTimeline:
    first = SceneCut(
        scene="s1",
        frames=150,
        closing=closing(clip("s2.1", 12, "sea", skip=3, speed=0.9)),
        clips=(clip("s1.1", 90, None), clip("s1.2", 60, "boat", source_start=0.5)),
    )
    second = SceneCut(
        scene="s2",
        frames=100,
        closing=closing(clip("s3.1", 12, None)),
        clips=(clip("s2.1", 100, "sea", skip=15, speed=0.9),),
    )
    third = SceneCut(
        scene="s3",
        frames=80,
        closing=closing(clip("s4.1", 12, "boat", skip=3)),
        clips=(clip("s3.1", 80, None),),
    )
    end = Card(kind="end", text="Thank you", lines=("Anna", "Ben"))
    last = SceneCut(scene="s4", frames=60, closing=None, clips=(clip("s4.1", 60, "boat", skip=15),), card=end)
    return FilmTimeline(
        title="Harbour",
        width=1920,
        height=1080,
        fps=FPS,
        cuts=(first, second, third, last),
        segments=(
            SegmentRef(scene="s1", media=ref("seg1"), frames=80),
            SegmentRef(scene="s1", media=ref("seg2"), frames=70),
            SegmentRef(scene="s2", media=ref("seg3"), frames=50),
            SegmentRef(scene="s2", media=ref("seg4"), frames=50),
            SegmentRef(scene="s3", media=ref("seg5"), frames=80),
            SegmentRef(scene="s4", media=ref("seg6"), frames=60),
        ),
        narrations=(PlacedNarration(audio=ref("words", "audio/wav"), start=14_400, samples=48_000),),
        mix=ref("mix", "audio/mp4"),
        music=ref("music", "audio/flac"),
        mark=PlacedWatermark(media=ref("logo", "image/png"), position="top-right", opacity=0.5, size=0.1),
    )


def read() -> otio.schema.Timeline:
    return otio.adapters.read_from_string(document(film()), "otio_json")


def test_the_picture_lasts_as_long_as_the_film_and_each_clip_begins_in_its_place() -> None:
    picture = read().video_tracks()[0]
    assert picture.duration() == RationalTime(390, FPS)
    clips = list(picture.find_clips())
    assert [(one.name, one.source_range.start_time.value, one.source_range.duration.value) for one in clips] == [
        ("s1.1", 0, 80),
        ("s1.1", 0, 10),
        ("s1.2", 15, 60),
        ("s2.1", 14, 88),
        ("s2.1", 38, 12),
        ("s3.1", 0, 80),
        ("s4.1", 15, 60),
    ], "a painted clip is shown from the segments it was rendered in, and so is a transition to one"
    assert [picture.range_of_child(one).start_time.value for one in clips] == [0, 80, 90, 150, 238, 250, 330]
    assert clips[3].effects[0].time_scalar == 0.9
    assert [bool(one.metadata["reelwright"].get("rendered")) for one in clips] == [
        *(True, True, False, False, True, True, False)
    ]


@pytest.mark.parametrize(
    ("seconds", "frames", "speed", "moving"),
    [(0.0, 60, 0.8, 1), (1 / 30, 60, 0.8, 2), (3.0, 150, 0.8, 113), (4.517, 150, 0.9033, 150), (12.0, 150, 1.0, 150)],
)
def test_a_picture_that_is_held_is_frozen_and_no_clip_asks_for_more_than_there_is(
    seconds: float, frames: int, speed: float, moving: int
) -> None:
    short = clip("s1.1", frames, "boat", speed=speed)
    short = short.model_copy(update={"footage": short.footage.model_copy(update={"seconds": seconds})})
    cut = SceneCut(scene="s1", frames=frames, closing=None, clips=(short,))
    told = film().model_copy(update={"cuts": (cut,), "narrations": ()})
    picture = otio.adapters.read_from_string(document(told), "otio_json").video_tracks()[0]
    clips = list(picture.find_clips())
    assert [one.source_range.duration.value for one in clips] == [moving, frames - moving][: 1 + (moving < frames)]
    for held in clips[1:]:
        assert isinstance(held.effects[0], otio.schema.FreezeFrame)
        assert held.available_range().contains(held.source_range.start_time)


def test_a_transition_lies_before_the_cut_it_leads_over_and_never_over_frames_that_have_it() -> None:
    picture = read().video_tracks()[0]
    (transition,) = [one for one in picture if isinstance(one, otio.schema.Transition)]
    assert (transition.in_offset.value, transition.out_offset.value) == (12, 0)
    assert transition.transition_type == otio.schema.TransitionTypes.SMPTE_Dissolve
    assert picture.index(transition) == 3


def test_what_comes_up_in_a_transition_has_frames_before_its_cut() -> None:
    picture = read().video_tracks()[0]
    incoming = picture[4]
    assert incoming.name == "s2.1"
    assert incoming.source_range.start_time.value >= 12


def test_every_file_that_is_named_is_among_the_media() -> None:
    named = {one.media_reference.target_url for one in read().find_clips()}
    assert named == set(media_of(film()))
    assert media_of(film())["media/mix.m4a"] == ref("mix", "audio/mp4")
    rendered = {one.key for name, one in media_of(film()).items() if "rendered" in name}
    assert rendered == {"seg1", "seg2", "seg4", "seg5"}, "what has footage of its own need not be shown as rendered"


def test_voices_are_in_their_places_over_the_music_and_the_mix_is_switched_off() -> None:
    voices, music, mix = read().audio_tracks()
    (said,) = voices.find_clips()
    assert voices.range_of_child(said).start_time == RationalTime(14_400, 48_000)
    assert (voices.enabled, music.enabled, mix.enabled) == (True, True, False)
    assert music.duration() == mix.duration() == RationalTime(390 * 1600, 48_000)


def test_a_film_without_music_or_mark_has_no_track_for_them() -> None:
    plain = film().model_copy(update={"music": None, "mark": None})
    timeline = otio.adapters.read_from_string(document(plain), "otio_json")
    assert [track.name for track in timeline.tracks] == ["Picture", "Narration", "Mix"]
    assert not {"media/music.flac", "media/watermark.png"} & set(media_of(plain))


def test_the_words_of_a_card_mark_what_it_lies_over() -> None:
    clips = list(read().video_tracks()[0].find_clips())
    (marker,) = clips[-1].markers
    assert (marker.name, marker.marked_range) == ("Thank you", clips[-1].source_range)
    assert list(marker.metadata["reelwright"]["lines"]) == ["Anna", "Ben"]
    assert not any(one.markers for one in clips[:-1])


def test_a_watermark_is_there_but_switched_off_and_told_where_it_goes() -> None:
    timeline = read()
    _, track = timeline.video_tracks()
    assert (track.name, track.enabled, track.duration()) == ("Watermark", False, RationalTime(390, FPS))
    told = timeline.metadata["reelwright"]["watermark"]
    assert (told["position"], told["opacity"], told["size"]) == ("top-right", 0.5, 0.1)


def test_a_watermark_of_words_has_no_track() -> None:
    mark = PlacedWatermark(text="Harbour TV", position="top-right", opacity=0.5, size=0.1)
    timeline = otio.adapters.read_from_string(document(film().model_copy(update={"mark": mark})), "otio_json")
    assert len(timeline.video_tracks()) == 1
    assert timeline.metadata["reelwright"]["watermark"]["text"] == "Harbour TV"
