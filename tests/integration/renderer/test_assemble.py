"""Films joined by the real ffmpeg from real segments."""

import io
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal

import av
import numpy as np
import pytest
from PIL import Image

from common.contracts.base import ObjectRef, canonical_json
from common.contracts.footage import Footage
from common.contracts.narration import Word
from common.contracts.steps import AssembleFacts, AssembleSpec, MixSpec, SegmentSpec, SpeakSpec
from common.contracts.timeline import (
    Card,
    Closing,
    CutList,
    FilmTimeline,
    PlacedNarration,
    PlacedWatermark,
    Profile,
    SceneCut,
    SegmentRef,
    SoundProfile,
    SpokenScene,
    TextFrame,
)
from common.documents import read_document
from common.errors import DiskFull, RenderFailed, Retryable, disk_trouble
from common.storage.memory import MemoryStorage
from renderer.steps.assemble import assemble
from renderer.steps.mix import mix
from renderer.steps.segment import segment
from tests.support import clips
from tests.support.measure import heard, highlights, onset
from tests.support.scenes import PROGRAM, SMALL, clip, footage, pictures, scene, scenery, words
from tests.support.speech import narrated
from tests.support.steprun import step_run

FULL = "/dev/full"
"A disk without room."
LOOK = TextFrame(style="minimal", width=320, height=180)
NOTHING = CutList(cuts=(), narrations=())


@dataclass
class Cutter:
    """Renders segments and joins them, each step in a folder of its own."""

    folder: Path
    storage: MemoryStorage
    made: list[SegmentRef]
    shown: CutList = NOTHING

    def fresh(self, name: str) -> Path:
        path = self.folder / name
        path.mkdir()
        return path

    def footage(self, path: Path, **more: float) -> Footage:
        return footage(step_run(self.folder, self.storage), path, **more)

    def segment(self, spec: SegmentSpec) -> Path:
        run = step_run(self.fresh(f"segment-{len(self.made)}"), self.storage)
        facts = segment(spec, run, PROGRAM, threads=1)
        self.made.append(SegmentRef(scene="s1", media=facts.media, frames=facts.frames))
        return run.workdir / "segment.mp4"

    def mix(self, samples: int) -> ObjectRef:
        cut = f"sine=f=440:r=48000,aformat=channel_layouts=stereo,atrim=end_sample={samples}"
        path = clips.make(f"mix-{samples}.m4a", ["-f", "lavfi", "-i", cut, "-c:a", "aac", "-b:a", "192k"])
        return step_run(self.folder, self.storage).keep("mix", path, "audio/mp4")

    def film(
        self,
        speech: tuple[SpokenScene, ...] = (),
        captions: TextFrame | None = LOOK,
        lost: int = 0,
        mix: ObjectRef | None = None,
    ) -> AssembleFacts:
        return assemble(self.spec(speech, captions, lost, mix), step_run(self.fresh("film"), self.storage))

    def spec(
        self,
        speech: tuple[SpokenScene, ...] = (),
        captions: TextFrame | None = LOOK,
        lost: int = 0,
        mix: ObjectRef | None = None,
    ) -> AssembleSpec:
        return AssembleSpec(
            segments=tuple(self.made),
            mix=mix or self.mix(sum(part.frames for part in self.made) * 1600 - lost),
            profile=SMALL,
            speech=speech,
            captions=captions,
            title="A film",
            cut_list=canonical_json(self.shown),
        )

    @property
    def path(self) -> Path:
        return self.folder / "film" / "film.mp4"

    def read(self, ref: ObjectRef | None) -> bytes:
        assert ref is not None
        return self.storage.get_bytes("assets", ref.key)


@pytest.fixture
def cutter(tmp_path: Path) -> Cutter:
    return Cutter(tmp_path, MemoryStorage(), [])


def spoken(start: int, frames: int, *texts: str) -> SpokenScene:
    return SpokenScene(start=start, frames=frames, words=words(*texts))


def packets(path: Path, kind: Literal["video", "audio"] = "video") -> list[bytes]:
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(**{kind: 0}) if packet.size]


def test_the_film_has_the_frames_of_its_segments_bit_for_bit(cutter: Cutter):
    parts = [
        cutter.segment(scene(clip(cutter.footage(clips.clip(), seconds=2.0), 47))),
        cutter.segment(scene(clip(scenery(), 31))),
        cutter.segment(scene(clip(cutter.footage(clips.picture()), 23, motion="zoom-in"))),
    ]
    facts = cutter.film()
    assert facts.frames == 47 + 31 + 23
    assert np.array_equal(pictures(cutter.path), np.concatenate([pictures(part) for part in parts]))


def test_every_frame_lies_on_the_grid_across_the_seams(cutter: Cutter):
    for frames in (47, 31, 23):
        cutter.segment(scene(clip(scenery(), frames)))
    cutter.film()
    with av.open(str(cutter.path)) as container:
        stream = container.streams.video[0]
        times = [frame.pts * stream.time_base for frame in container.decode(stream)]
        assert times == [Fraction(n, 30) for n in range(101)]
        assert stream.average_rate == 30
        assert stream.duration * stream.time_base == Fraction(101, 30)


def test_many_seams_do_not_add_up(cutter: Cutter):
    """A frame is 0.0333... s: what is lost of that at one seam must not be lost at each."""
    cutter.segment(scene(clip(scenery(), 1)))
    cutter.made *= 200
    cutter.film()
    with av.open(str(cutter.path)) as container:
        stream = container.streams.video[0]
        times = sorted(packet.pts for packet in container.demux(stream) if packet.pts is not None and packet.size)
        assert times == [512 * n for n in range(200)]
        assert (stream.time_base, stream.average_rate) == (Fraction(1, 15_360), 30)


def test_a_seam_may_follow_upon_the_first_frame(cutter: Cutter):
    """Longer segments have frames out of their order, and are decoded the earlier for it."""
    parts = [
        cutter.segment(scene(clip(scenery(), frames), profile=SMALL.model_copy(update={"preset": "veryfast"})))
        for frames in (1, 20, 2, 1, 9)
    ]
    cutter.film()
    assert np.array_equal(pictures(cutter.path), np.concatenate([pictures(part) for part in parts]))


def test_the_sound_of_the_film_is_the_mix_and_nothing_of_its_segments(cutter: Cutter):
    voice = step_run(cutter.folder, cutter.storage).keep("narration", clips.tone(seconds=0.5), "audio/wav")
    for offset in (0, 333):
        cutter.segment(scene(clip(scenery(), 40), voice=voice, offset=offset))
    cutter.film()
    (cutter.folder / "mix.m4a").write_bytes(cutter.read(cutter.mix(80 * 1600)))
    assert packets(cutter.path, "audio") == packets(cutter.folder / "mix.m4a", "audio")
    with av.open(str(cutter.path)) as container:
        assert len(container.streams) == 2


def test_words_are_heard_when_their_captions_light_up_behind_a_seam_too(cutter: Cutter):
    speech = step_run(cutter.folder, cutter.storage)
    spec = SpeakSpec(text="Stop! Wait. Go!", language="en", voice=None, pace=1.0)
    narration = narrated(spec, speech)
    grey = cutter.footage(clips.make("grey.png", ["-f", "lavfi", "-i", "color=c=0x505050:s=640x640", "-frames:v", "1"]))
    wide = Profile(width=640, height=360, preset="ultrafast", crf=8)
    placed, said, begin = [], [], 0
    for offset in (5_000, 9_777):
        frames = (offset + narration.samples) // 1600 + 7
        own = shifted(narration.words, offset)
        cutter.segment(
            scene(
                clip(grey, frames),
                profile=wide,
                style="cinematic",
                said=own,
                captioned=True,
                voice=narration.audio,
                offset=offset,
            )
        )
        placed.append(PlacedNarration(audio=narration.audio, start=begin + offset, samples=narration.samples))
        said += shifted(own, begin)
        begin += frames * 1600
    run = step_run(cutter.fresh("mix"), cutter.storage)
    sound = mix(MixSpec(frames=begin // 1600, sound=SoundProfile(), narrations=tuple(placed), music=None), run, PROGRAM)
    film = AssembleSpec(
        segments=tuple(cutter.made),
        mix=sound.media,
        profile=wide,
        speech=(),
        captions=None,
        title="A film",
        cut_list=canonical_json(CutList(cuts=(), narrations=tuple(placed))),
    )
    assemble(film, step_run(cutter.fresh("film"), cutter.storage))
    heard_at = [onset(heard(cutter.path), end) for end in (0, *(word.end for word in said[:-1]))]
    lit_at = [frame * 1600 for frame in highlights(pictures(cutter.path))]
    assert len(lit_at) == len(said) == 6
    assert all(abs(light - voice) <= 1600 for light, voice in zip(lit_at, heard_at, strict=True))


def test_each_flash_is_seen_with_its_click_at_every_seam(cutter: Cutter):
    """A film as editors make it to find out whether picture and sound run apart."""
    flash = "drawbox=t=fill:color=white:enable='eq(n,0)'"
    white = cutter.footage(
        clips.make("flash.mp4", ["-f", "lavfi", "-i", f"color=0x303030:s=320x180:r=30:d=2,{flash}", "-crf", "4"]),
        seconds=2.0,
    )
    click = clips.make("click.wav", ["-f", "lavfi", "-i", "aevalsrc='if(lt(n,48),0.9*cos(2*PI*n/48),0)':s=48000:d=0.2"])
    voice = step_run(cutter.folder, cutter.storage).keep("narration", click, "audio/wav")
    placed, begins, begin = [], [], 0
    for frames in (37, 8, 41, 23, 30, 59, 11):
        cutter.segment(scene(clip(white, frames)))
        placed.append(PlacedNarration(audio=voice, start=begin * 1600, samples=9_600))
        begins.append(begin)
        begin += frames
    run = step_run(cutter.fresh("mix"), cutter.storage)
    made = mix(MixSpec(frames=begin, sound=SoundProfile(), narrations=tuple(placed), music=None), run, PROGRAM)
    cutter.film(mix=made.media)
    bright = pictures(cutter.path).mean(axis=(1, 2, 3)) > 150
    assert np.flatnonzero(bright).tolist() == begins
    sound, seams = np.abs(heard(cutter.path)), [begin * 1600 for begin in begins[1:]]
    apart = {int(sound[seam - 800 : seam + 800].argmax()) - 800 for seam in seams}
    # Samples by which the filters of the voice move a peak, and not one more at the last seam than at the first.
    assert len(apart) == 1
    assert max(apart) <= 4


def shifted(words: tuple[Word, ...], samples: int) -> tuple[Word, ...]:
    return tuple(Word(text=word.text, start=word.start + samples, end=word.end + samples) for word in words)


def test_nothing_is_encoded_again(cutter: Cutter):
    part = cutter.segment(scene(clip(scenery(), 20)))
    cutter.film()
    assert packets(cutter.path) == packets(part)


def test_pixels_are_square_and_colours_told(cutter: Cutter):
    cutter.segment(scene(clip(scenery(), 20)))
    cutter.film()
    with av.open(str(cutter.path)) as container:
        context = container.streams.video[0].codec_context
        assert context.sample_aspect_ratio == 1
        assert (context.color_primaries, context.color_trc, context.colorspace, context.color_range) == (1, 1, 1, 1)


def test_picture_and_sound_end_together(cutter: Cutter):
    for _ in range(3):
        cutter.segment(scene(clip(scenery(), 37)))
    cutter.film()
    with av.open(str(cutter.path)) as container:
        picture, sound = container.streams.video[0], container.streams.audio[0]
        assert picture.start_time * picture.time_base == 0
        assert picture.duration * picture.time_base == sound.duration * sound.time_base == Fraction(111, 30)


def test_a_full_disk_is_told_as_what_it_is(cutter: Cutter):
    cutter.segment(scene(clip(scenery(), 10)))
    run = step_run(cutter.fresh("film"), cutter.storage)
    cutter.path.symlink_to(FULL)
    with pytest.raises(OSError, match="No space left") as caught:
        assemble(cutter.spec(), run)
    assert isinstance(disk_trouble(caught.value), DiskFull)


def test_segments_made_with_one_and_two_threads_can_be_joined(cutter: Cutter):
    moving = cutter.footage(clips.clip(), seconds=2.0)
    for threads in (1, 2):
        run = step_run(cutter.fresh(f"threads-{threads}"), cutter.storage)
        facts = segment(scene(clip(moving, 30)), run, PROGRAM, threads=threads)
        cutter.made.append(SegmentRef(scene="s1", media=facts.media, frames=30))
    cutter.film()
    found = pictures(cutter.path).astype(int)
    assert np.abs(found[:30] - found[30:]).mean() < 2


def test_the_film_can_be_played_while_it_arrives_and_tells_nothing_about_its_maker(cutter: Cutter):
    cutter.segment(scene(clip(scenery(), 20)))
    cutter.film()
    data = cutter.path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")
    with av.open(str(cutter.path)) as container:
        assert "title" not in container.metadata
        assert "encoder" not in container.metadata
        assert "creation_time" not in container.metadata


def test_captions_lie_beside_the_film(cutter: Cutter):
    cutter.segment(scene(clip(scenery(), 40)))
    cutter.segment(scene(clip(scenery(), 40)))
    facts = cutter.film(speech=(spoken(0, 40, "Hello", "you."), spoken(40, 40, "Bye", "<now>")))
    assert cutter.read(facts.srt).decode() == (
        "1\n00:00:00,000 --> 00:00:00,800\nHello you.\n\n2\n00:00:01,333 --> 00:00:02,133\nBye <now>\n"
    )
    assert cutter.read(facts.vtt).decode().endswith("00:00:01.333 --> 00:00:02.133\nBye &lt;now&gt;\n")
    assert facts.srt is not None
    assert facts.vtt is not None
    assert (facts.srt.media_type, facts.vtt.media_type) == ("application/x-subrip", "text/vtt")


def test_a_caption_in_the_files_ends_with_its_scene_as_the_one_in_the_picture(cutter: Cutter):
    cutter.segment(scene(clip(scenery(), 20)))
    cutter.segment(scene(clip(scenery(), 40)))
    facts = cutter.film(speech=(spoken(0, 20, "Hello", "you."),))
    assert cutter.read(facts.srt).decode() == "1\n00:00:00,000 --> 00:00:00,666\nHello you.\n"


def test_without_captions_or_words_there_are_no_caption_files(cutter: Cutter):
    cutter.segment(scene(clip(scenery(), 20)))
    facts = cutter.film(speech=(spoken(0, 20, "Hello"),), captions=None)
    assert (facts.srt, facts.vtt) == (None, None)


def test_the_timeline_tells_an_editor_all_of_the_film(cutter: Cutter):
    """What was planned is passed on as it is, with clips that need not be there to join the segments."""
    moving = cutter.footage(clips.clip(), seconds=2.0)
    voice = step_run(cutter.folder, cutter.storage).keep("narration", clips.tone(seconds=0.5), "audio/wav")
    first, second = clip(moving, 20, source_start=0.4, speed=1.1), clip(scenery(), 25, skip=12, length=37)
    head = second.model_copy(update={"skip": 0, "frames": 12})
    cuts = (
        SceneCut(scene="s1", frames=20, closing=Closing(kind="wipe", frames=12, head=head), clips=(first,)),
        SceneCut(scene="s2", frames=25, closing=None, clips=(second,), card=Card(kind="end", text="Thank you")),
    )
    cutter.shown = CutList(
        cuts=cuts,
        narrations=(PlacedNarration(audio=voice, start=4_800, samples=24_000),),
        music=voice,
        mark=PlacedWatermark(text="Harbour TV", position="top-left", opacity=0.5, size=0.1),
    )
    for shown in (first, second):
        cutter.segment(scene(shown))
    facts = cutter.film()
    assert facts.timeline is not None
    assert facts.timeline.media_type == "application/json"
    assert read_document(FilmTimeline, cutter.read(facts.timeline)) == FilmTimeline(
        title="A film",
        width=320,
        height=180,
        fps=30,
        cuts=cuts,
        segments=tuple(cutter.made),
        narrations=cutter.shown.narrations,
        mix=cutter.mix(45 * 1600),
        music=cutter.shown.music,
        mark=cutter.shown.mark,
    )


def test_the_thumbnail_is_the_richest_picture_and_as_large_as_the_film(cutter: Cutter, tmp_path: Path):
    Image.new("RGB", (320, 180), (4, 4, 4)).save(tmp_path / "black.png")
    Image.new("RGB", (320, 180), (160, 160, 160)).save(tmp_path / "plain.png")
    for source in (tmp_path / "black.png", tmp_path / "plain.png", clips.picture()):
        cutter.segment(scene(clip(cutter.footage(source), 10)))
    with Image.open(io.BytesIO(cutter.read(cutter.film().thumbnail))) as found:
        assert (found.format, found.size, found.mode) == ("JPEG", (320, 180), "RGB")
        difference = np.abs(np.asarray(found).astype(int) - pictures(cutter.path)[25])
    assert difference.mean() < 6


def test_the_thumbnail_has_no_caption_if_there_is_a_picture_without(cutter: Cutter):
    still = cutter.footage(clips.picture())
    for said in (words("Hello", "you."), ()):
        cutter.segment(scene(clip(still, 60), said=said, captioned=True))
    thumbnail = Image.open(io.BytesIO(cutter.read(cutter.film(speech=(spoken(0, 60, "Hello", "you."),)).thumbnail)))
    plain = pictures(cutter.path)[100]
    assert np.abs(np.asarray(thumbnail).astype(int) - plain)[140:].mean() < 6


def test_a_segment_with_other_frames_than_it_says_is_found_out(cutter: Cutter):
    cutter.segment(scene(clip(scenery(), 20)))
    cutter.made[0] = cutter.made[0].model_copy(update={"frames": 25})
    with pytest.raises(RenderFailed, match="20 frames instead of 25"):
        cutter.film()


def test_a_mix_that_is_too_short_is_found_out(cutter: Cutter):
    cutter.segment(scene(clip(scenery(), 40)))
    with pytest.raises(RenderFailed, match="the sound of the film lasts"):
        cutter.film(lost=9_600)


def test_segments_that_are_encoded_in_different_ways_are_not_joined(cutter: Cutter):
    """A film says once how it is to be decoded; some of its pictures would come out wrong."""
    for preset in ("ultrafast", "veryfast"):
        cutter.segment(scene(clip(scenery(), 20), profile=SMALL.model_copy(update={"preset": preset})))
    with pytest.raises(RenderFailed, match="encoded in different ways"):
        cutter.film()


def test_a_segment_that_cannot_be_read_is_tried_again(cutter: Cutter, tmp_path: Path):
    part = cutter.segment(scene(clip(scenery(), 20)))
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(part.read_bytes()[:600])
    media = step_run(cutter.folder, cutter.storage).keep("segment", broken, "video/mp4")
    cutter.made.append(SegmentRef(scene="s2", media=media, frames=20))
    with pytest.raises(Retryable, match="cannot be read"):
        cutter.film()
