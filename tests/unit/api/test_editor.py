"""What an editor is given."""

import opentimelineio as otio
from opentimelineio.opentime import RationalTime

from api.editor import document, media_of
from common.contracts.base import ObjectRef
from common.contracts.footage import Footage, Provenance, SceneryRecipe
from common.contracts.timeline import Clip, Closing, FilmTimeline, PlacedNarration, SceneCut, SegmentRef

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


def film() -> FilmTimeline:
    first = SceneCut(
        scene="s1",
        frames=150,
        closing=Closing(kind="crossfade", frames=12, head=clip("s2.1", 12, "sea", skip=3, speed=0.9)),
        clips=(clip("s1.1", 90, "boat", source_start=0.5), clip("s1.2", 60, None)),
    )
    second = SceneCut(scene="s2", frames=100, closing=None, clips=(clip("s2.1", 100, "sea", skip=15, speed=0.9),))
    return FilmTimeline(
        title="Harbour",
        width=1920,
        height=1080,
        fps=FPS,
        cuts=(first, second),
        segments=(
            SegmentRef(scene="s1", media=ref("seg1"), frames=100),
            SegmentRef(scene="s1", media=ref("seg2"), frames=50),
            SegmentRef(scene="s2", media=ref("seg3"), frames=100),
        ),
        narrations=(PlacedNarration(audio=ref("words", "audio/wav"), start=14_400, samples=48_000),),
        mix=ref("mix", "audio/mp4"),
    )


def read() -> otio.schema.Timeline:
    return otio.adapters.read_from_string(document(film()), "otio_json")


def test_the_picture_lasts_as_long_as_the_film_and_each_clip_begins_in_its_place() -> None:
    picture = read().video_tracks()[0]
    assert picture.duration() == RationalTime(250, FPS)
    clips = list(picture.find_clips())
    assert [(one.name, one.source_range.start_time.value, one.source_range.duration.value) for one in clips] == [
        ("s1.1", 15, 90),
        ("s1.2", 90, 10),
        ("s1.2", 0, 50),
        ("s2.1", 14, 100),
    ], "a painted clip is shown from the segments it was rendered in"
    assert [picture.range_of_child(one).start_time.value for one in clips] == [0, 90, 100, 150]
    assert clips[-1].effects[0].time_scalar == 0.9


def test_a_transition_lies_before_the_cut_it_leads_over() -> None:
    picture = read().video_tracks()[0]
    (transition,) = [one for one in picture if isinstance(one, otio.schema.Transition)]
    assert (transition.in_offset.value, transition.out_offset.value) == (12, 0)
    assert transition.transition_type == otio.schema.TransitionTypes.SMPTE_Dissolve
    assert picture.index(transition) == 3


def test_every_file_that_is_named_is_among_the_media() -> None:
    named = {one.media_reference.target_url for one in read().find_clips()}
    assert named == set(media_of(film()))
    assert media_of(film())["media/mix.m4a"] == ref("mix", "audio/mp4")
    assert ref("seg3") not in media_of(film()).values(), "what has footage of its own need not be shown as rendered"


def test_voices_are_in_their_places_and_the_mix_is_switched_off() -> None:
    voices, mix = read().audio_tracks()
    (said,) = voices.find_clips()
    assert voices.range_of_child(said).start_time == RationalTime(14_400, 48_000)
    assert (voices.enabled, mix.enabled) == (True, False)
    assert mix.duration() == RationalTime(250 * 1600, 48_000)
