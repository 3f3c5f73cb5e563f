"""Scenes rendered by the real ffmpeg, and looked at frame by frame."""

from itertools import islice
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from common.contracts.base import ObjectRef
from common.contracts.footage import Footage, Tone
from common.contracts.request import Style
from common.contracts.timeline import Profile
from common.errors import BadMedia, ObjectMissing, RenderFailed, StepError
from common.worker.steprun import StepRun
from renderer import scenery as painted
from renderer.steps.segment import segment
from tests.support import clips
from tests.support.scenes import FROM, PROGRAM, SMALL, clip, footage, pictures, rendered, scene, scenery
from tests.support.steprun import step_run

X264 = ["-c:v", "libx264", "-preset", "ultrafast", "-crf", "8"]
TALL = Profile(width=180, height=320, preset="ultrafast", crf=12)
TEAL, RED, BLUE = (20, 130, 120), (230, 30, 30), (30, 30, 230)


@pytest.fixture
def run(tmp_path: Path) -> StepRun:
    return step_run(tmp_path)


def solid(name: str, colour: tuple[int, int, int], size: str, conversion: str, *tags: str) -> Path:
    """One second of a colour, stored with the given conversion from RGB and the given tags."""
    picture = f"color=c=0x{bytes(colour).hex()}:s={size}:d=1:r=30,format=gbrp,{conversion}"
    return clips.make(name, ["-f", "lavfi", "-i", picture, *X264, *tags])


def red_over_blue(size: tuple[int, int]) -> Image.Image:
    image = Image.new("RGB", size, RED)
    image.paste(BLUE, (0, size[1] // 2, size[0], size[1]))
    return image


def near(picture: np.ndarray, colour: tuple[int, int, int], tolerance: int = 6) -> bool:
    return bool(np.all(np.abs(np.median(picture, axis=(0, 1)) - colour) <= tolerance))


@pytest.mark.parametrize("fps", [15, 24, 25, 50, 60])
def test_any_frame_rate_gives_exactly_the_planned_frames(run: StepRun, fps: int):
    source = footage(run, clips.clip(fps=fps), seconds=2.0)
    assert len(rendered(scene(clip(source, 47, source_start=0.37)), run)) == 47


def test_odd_frame_rates_too(run: StepRun):
    path = clips.make(
        "ntsc.mp4", ["-f", "lavfi", "-i", "testsrc2=s=320x180:r=24000/1001:d=2", *X264, "-pix_fmt", "yuv420p"]
    )
    assert len(rendered(scene(clip(footage(run, path, seconds=2.0), 50)), run)) == 50


def test_clips_of_all_kinds_follow_each_other(run: StepRun):
    spec = scene(
        clip(footage(run, clips.clip(640, 360, fps=25), seconds=2.0), 11),
        clip(footage(run, clips.picture(400, 300)), 7, motion="zoom-in"),
        clip(scenery(), 13),
        clip(footage(run, clips.clip(180, 320, fps=60, suffix="webm"), seconds=2.0), 9, fit="contain-blur"),
        style="vintage",
    )
    assert rendered(spec, run).shape == (40, 180, 320, 3)


def test_footage_that_ends_too_early_holds_its_last_picture(run: StepRun):
    found = rendered(scene(clip(footage(run, clips.clip(seconds=0.5), seconds=0.5), 40)), run)
    moved = np.abs(np.diff(found.astype(int), axis=0)).mean(axis=(1, 2, 3))
    assert len(found) == 40
    assert moved[:13].min() > 0.2
    assert moved[20:].max() < 0.2


def test_footage_used_twice_is_fetched_once(run: StepRun):
    source = footage(run, clips.clip(), seconds=2.0)
    rendered(scene(clip(source), clip(source, source_start=1.0)), run)
    assert sorted(path.name for path in run.workdir.glob("clip*")) == ["clip0"]


def test_scenery_begins_behind_the_frames_that_are_skipped(run: StepRun, tmp_path_factory: pytest.TempPathFactory):
    whole = rendered(scene(clip(scenery(), 20)), run)
    other = step_run(tmp_path_factory.mktemp("other"))
    parts = rendered(scene(clip(scenery(), 10), clip(scenery(), 10, skip=10, length=20)), other)
    assert np.abs(whole.astype(int) - parts).mean() < 0.5


# colours


@pytest.mark.parametrize(
    ("name", "size", "matrix", "limits", "pixels", "tags"),
    [
        ("hd-untagged", "1280x720", "bt709", "tv", "yuv420p", "colorspace=unknown:range=unknown"),
        ("sd-untagged", "640x360", "bt601", "tv", "yuv420p", "colorspace=unknown:range=unknown"),
        ("sd-tagged-709", "640x360", "bt709", "tv", "yuv420p", "colorspace=bt709:range=tv"),
        ("hd-tagged-601", "1280x720", "bt601", "tv", "yuv420p", "colorspace=smpte170m:range=tv"),
        ("hd-full", "1280x720", "bt709", "pc", "yuv420p", "colorspace=bt709:range=pc"),
        ("hd-jpeg-range", "1280x720", "bt709", "pc", "yuvj420p", "colorspace=bt709:range=pc"),
        ("hd-ten-bit", "1280x720", "bt709", "tv", "yuv420p10le", "colorspace=bt709:range=tv"),
    ],
)
@pytest.mark.parametrize("fit", ["cover", "contain-blur"])
def test_colours_of_a_video_are_kept_whatever_its_matrix_and_range(
    run: StepRun, name: str, size: str, matrix: str, limits: str, pixels: str, tags: str, fit: str
):
    conversion = f"scale=out_color_matrix={matrix}:out_range={limits},format={pixels},setparams={tags}"
    path = solid(f"{name}.mp4", TEAL, size, conversion)
    found = rendered(scene(clip(footage(run, path, seconds=1.0), 3, fit=fit)), run)
    assert near(found[1, 60:120, 100:220], TEAL)


@pytest.mark.parametrize("style", ["cinematic", "vintage", "vivid"])
@pytest.mark.parametrize("matrix", ["bt709", "bt601"])
@pytest.mark.parametrize("limits", ["tv", "pc"])
def test_a_small_video_is_graded_like_a_large_one(run: StepRun, style: Style, matrix: str, limits: str):
    """What is enlarged is graded before it is: it must have our colours by then."""
    conversion = f"scale=out_color_matrix={matrix}:out_range={limits},format=yuv420p"
    tags = f"colorspace={'smpte170m' if matrix == 'bt601' else 'bt709'}:range={limits}"
    found = {}
    for size in ("160x90", "640x360"):
        path = solid(f"{size}-{matrix}-{limits}.mp4", TEAL, size, f"{conversion},setparams={tags}")
        source = footage(run, path, seconds=1.0)
        source = source.model_copy(update={"tone": Tone(black=60, mid=70, white=150, u=132, v=124)})
        found[size] = rendered(scene(clip(source, 3), style=style), run)[1, 60:120, 100:220]
    assert near(found["160x90"], tuple(np.median(found["640x360"], axis=(0, 1))), 2)
    assert not near(found["160x90"], TEAL, 2)


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp"])
@pytest.mark.parametrize("motion", ["none", "pan-left"])
def test_colours_of_a_still_are_kept(run: StepRun, tmp_path: Path, suffix: str, motion: str):
    Image.new("RGB", (800, 600), TEAL).save(tmp_path / f"teal.{suffix}", quality=95)
    found = rendered(scene(clip(footage(run, tmp_path / f"teal.{suffix}"), 3, motion=motion)), run)
    assert near(found[1], TEAL)


def test_the_segment_says_what_its_colours_are(run: StepRun):
    rendered(scene(clip(scenery(), 3)), run)
    with av.open(str(run.workdir / "segment.mp4")) as container:
        context = container.streams.video[0].codec_context
        assert (context.color_primaries, context.color_trc, context.colorspace, context.color_range) == (1, 1, 1, 1)
        assert (context.pix_fmt, context.name) == ("yuv420p", "h264")


def test_high_dynamic_range_is_brought_into_the_films_range(run: StepRun):
    source, target = "tin=bt709:min=gbr:pin=bt709:rin=full", "t=arib-std-b67:m=bt2020nc:p=bt2020:r=limited:npl=203"
    hlg = f"zscale={source}:{target},format=yuv420p10le"
    tags = ["-color_trc", "arib-std-b67", "-color_primaries", "bt2020", "-colorspace", "bt2020nc"]
    found = rendered(scene(clip(footage(run, solid("hlg.mp4", RED, "640x360", hlg, *tags), seconds=1.0), 3)), run)
    red, green, blue = np.median(found[1], axis=(0, 1))
    # Read without tone mapping this red would be a dull (165, 65, 40).
    assert red > 200
    assert max(green, blue) < 90


@pytest.mark.parametrize("style", ["cinematic", "documentary", "vivid", "vintage", "minimal"])
def test_a_look_is_mild(run: StepRun, tmp_path: Path, style: str):
    Image.new("RGB", (320, 180), (128, 118, 110)).save(tmp_path / "grey.png")
    found = rendered(scene(clip(footage(run, tmp_path / "grey.png"), 3), style=style), run)
    assert near(found[1], (128, 118, 110), tolerance=18)


def test_mono_has_no_colour(run: StepRun):
    found = rendered(scene(clip(footage(run, clips.clip(), seconds=2.0), 3), style="mono"), run).astype(int)
    assert np.ptp(found, axis=3).max() <= 3


# crops and directions


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_a_turned_phone_clip_stands_upright(run: StepRun, tmp_path: Path, rotation: int):
    # Stored turned by -rotation with a note to turn it back: what every phone does.
    red_over_blue((240, 320)).rotate(-rotation, expand=True).save(tmp_path / "stored.png")
    still = clips.make(
        f"stored-{rotation}.mp4",
        ["-loop", "1", "-i", str(tmp_path / "stored.png"), "-t", "1", *X264, "-pix_fmt", "yuv420p"],
    )
    turned = clips.make(f"phone-{rotation}.mp4", ["-display_rotation", str(rotation), "-i", str(still), "-c", "copy"])
    found = rendered(scene(clip(footage(run, turned, seconds=1.0), 3), profile=TALL), run)
    assert near(found[1, 20:140], RED, 30)
    assert near(found[1, 180:300], BLUE, 30)


def test_a_photo_with_an_orientation_note_stands_upright(run: StepRun, tmp_path: Path):
    note = Image.Exif()
    note[0x0112] = 6
    red_over_blue((240, 320)).rotate(90, expand=True).save(tmp_path / "photo.jpg", exif=note, quality=95)
    found = rendered(scene(clip(footage(run, tmp_path / "photo.jpg"), 3), profile=TALL), run)
    assert near(found[1, 20:140], RED, 12)
    assert near(found[1, 180:300], BLUE, 12)


@pytest.mark.parametrize("size", [(640, 360), (360, 640), (500, 500), (1000, 90), (90, 1000), (321, 181)])
@pytest.mark.parametrize("profile", [SMALL, TALL])
def test_cover_fills_the_canvas_and_keeps_the_centre_and_the_proportions(
    run: StepRun, tmp_path: Path, size: tuple[int, int], profile: Profile
):
    image = Image.new("RGB", size, BLUE)
    side = min(size) // 3
    left, top = (size[0] - side) // 2, (size[1] - side) // 2
    image.paste(RED, (left, top, left + side, top + side))
    image.save(tmp_path / "centre.png")
    found = rendered(scene(clip(footage(run, tmp_path / "centre.png"), 2), profile=profile), run)[1].astype(int)
    red = found[..., 0] > 128
    rows, columns = np.flatnonzero(red.any(axis=1)), np.flatnonzero(red.any(axis=0))
    shown = max(profile.width / size[0], profile.height / size[1]) * side
    assert len(rows) == pytest.approx(min(shown, profile.height), abs=2 + shown * 0.02)
    assert len(columns) == pytest.approx(min(shown, profile.width), abs=2 + shown * 0.02)
    assert rows.mean() == pytest.approx(profile.height / 2, abs=2)
    assert columns.mean() == pytest.approx(profile.width / 2, abs=2)


def test_contain_shows_the_whole_picture_over_a_darker_copy(run: StepRun, tmp_path: Path):
    red_over_blue((360, 640)).save(tmp_path / "tall.png")
    found = rendered(scene(clip(footage(run, tmp_path / "tall.png"), 2, fit="contain-blur")), run)[1].astype(int)
    middle, side = found[:, 120:200], found[:, 10:60]
    assert near(middle[5:80], RED, 12)
    assert near(middle[100:175], BLUE, 12)
    assert 60 < np.median(side[5:40, :, 0]) < 180
    assert 60 < np.median(side[140:175, :, 2]) < 180


def test_pixels_that_are_not_square_are_shown_as_they_should(run: StepRun, tmp_path: Path):
    red_over_blue((160, 180)).save(tmp_path / "narrow.png")
    squeezed = clips.make(
        "anamorphic.mp4",
        ["-loop", "1", "-i", str(tmp_path / "narrow.png"), "-t", "1", "-vf", "setsar=2", *X264, "-pix_fmt", "yuv420p"],
    )
    found = rendered(scene(clip(footage(run, squeezed, seconds=1.0), 2, fit="contain-blur")), run)[1]
    # 160 pixels twice as wide as high fill the canvas: no edge of the darker copy is seen.
    assert near(found[10:80, :10], RED, 30)
    assert near(found[10:80, -10:], RED, 30)


# what may not be read


def disguised(run: StepRun, text: str, media_type: str = "video/mp4") -> Footage:
    media = run.keep_bytes("footage", text.encode(), media_type)
    return Footage(kind="video", media=media, seconds=2.0, provenance=FROM)


@pytest.mark.parametrize(
    "text",
    [
        "ffconcat version 1.0\nfile secret.mp4\n",
        "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nsecret.mp4\n#EXT-X-ENDLIST\n",
        "<MPD><Period><AdaptationSet><Representation><BaseURL>secret.mp4</BaseURL></Representation></AdaptationSet></Period></MPD>",
    ],
)
def test_a_playlist_that_calls_itself_a_video_opens_nothing(run: StepRun, text: str):
    (run.workdir / "secret.mp4").write_bytes(clips.clip().read_bytes())
    with pytest.raises(StepError):
        rendered(scene(clip(disguised(run, text))), run)


def test_media_of_another_kind_is_refused_by_name(run: StepRun):
    with pytest.raises(BadMedia, match="application/pdf"):
        rendered(scene(clip(disguised(run, "%PDF", "application/pdf"))), run)


def test_a_clip_without_media_names_its_shot(run: StepRun):
    with pytest.raises(BadMedia, match=r"s1\.0"):
        rendered(scene(clip(Footage(kind="video", provenance=FROM))), run)


def test_a_damaged_file_fails_without_a_path_in_the_message(run: StepRun):
    head = clips.clip().read_bytes()[:3_000]
    media: ObjectRef = run.keep_bytes("footage", head, "video/mp4")
    with pytest.raises(StepError) as caught:
        rendered(scene(clip(Footage(kind="video", media=media, seconds=2.0, provenance=FROM))), run)
    assert str(run.workdir) not in str(caught.value)


@pytest.mark.parametrize("what", ["footage", "voice"])
def test_an_input_that_is_no_longer_whole_in_the_store_is_missing_by_name(run: StepRun, what: str):
    shown = footage(run, clips.clip(), seconds=2.0)
    said = run.keep("narration", clips.tone(), "audio/wav")
    lost = {"footage": shown.media, "voice": said}[what]
    assert lost is not None
    whole = run.read(lost)
    run.storage.put_bytes(run.assets, lost.key, whole[: len(whole) // 2], lost.media_type)
    with pytest.raises(ObjectMissing) as caught:
        segment(scene(clip(shown), voice=said), run, PROGRAM, threads=1)
    assert caught.value.key == lost.key
    assert not list(run.storage.list(run.assets, "local/segment"))


def test_a_wrong_number_of_frames_is_not_kept(run: StepRun):
    spec, whole = scene(clip(scenery(), 12)), painted.paint
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(painted, "paint", lambda *arguments: islice(whole(*arguments), 5))
        with pytest.raises(RenderFailed, match="5 frames instead of 12"):
            segment(spec, run, PROGRAM, threads=1)
    assert not list(run.storage.list("assets", "local/segment"))


def test_two_threads_give_as_many_frames_as_one(run: StepRun):
    spec = scene(clip(footage(run, clips.clip(), seconds=2.0), 30))
    segment(spec, run, PROGRAM, threads=2)
    assert len(pictures(run.workdir / "segment.mp4")) == 30
