"""Files as phones, editors and strangers make them, brought in and then shown: what the film has in it is looked at.

Each goes the whole way of an upload: stored, looked into by the real program, rendered by the real ffmpeg.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from common.contracts.footage import Candidate, Footage, OwnMedia, Provenance
from common.contracts.request import MediaRef
from common.contracts.steps import AcquireSpec
from common.contracts.timeline import Profile
from common.errors import BadMedia
from common.settings import Settings
from common.worker.steprun import StepRun
from renderer.steps.segment import segment
from tests.support import clips
from tests.support.acquiring import acquirer
from tests.support.scenes import PROGRAM, SMALL, clip, pictures, scene
from tests.support.steprun import step_run
from tests.support.uploads import ASSET, upload

TALL = Profile(width=180, height=320, preset="ultrafast", crf=12)
LAVFI = ["-f", "lavfi", "-i"]
X264 = ["-c:v", "libx264", "-preset", "ultrafast", "-crf", "8"]
X265 = ["-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none:crf=8"]
VP8 = ["-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "4M"]
VP9 = ["-c:v", "libvpx-vp9", "-cpu-used", "8", "-crf", "10"]
YUV420 = ["-pix_fmt", "yuv420p"]

# Of middling brightness and, taken together, without a cast: nothing that a look would want to even out.
RED, GREEN, BLUE, YELLOW = (180, 70, 70), (60, 150, 90), (80, 90, 190), (170, 150, 70)
CORNERS = {(0, 0): RED, (0, 1): GREEN, (1, 0): BLUE, (1, 1): YELLOW}
"By row and column."


@pytest.fixture
def run(tmp_path: Path) -> StepRun:
    workdir = tmp_path / "work"
    workdir.mkdir()
    return step_run(workdir)


def acquired(run: StepRun, path: Path) -> Footage:
    """The facts of the file, which was uploaded."""
    upload(run, path)
    own, origin = Provenance(provider="upload"), OwnMedia(media=MediaRef(asset=ASSET))
    candidate = Candidate(id="own:1", kind="video", score=1.0, origin=origin, provenance=own)
    settings = replace(Settings(), fetch_allow_networks="")
    got = acquirer(settings).acquire(AcquireSpec(candidate=candidate, width=320, height=180), run)
    assert isinstance(got, Footage)
    return got


def film(run: StepRun, path: Path, frames: int = 3, profile: Profile = SMALL, **more: object) -> np.ndarray:
    """The pictures of a film that shows the file: frames x height x width x RGB."""
    shown = clip(acquired(run, path), frames, **more)
    segment(scene(shown, profile=profile), run, PROGRAM, threads=1)
    return pictures(run.workdir / "segment.mp4")


# the scene most of them show: a colour in each corner, and a white square in the middle


def filmed(width: int, height: int) -> str:
    """The scene as a source of ffmpeg: a second, 30 times."""
    middle, side = (width // 2, height // 2), min(width, height) // 3
    boxes = [
        (column * middle[0], row * middle[1], width, height, bytes(colour).hex())
        for (row, column), colour in CORNERS.items()
    ]
    boxes.append((middle[0] - side // 2, middle[1] - side // 2, side, side, "ffffff"))
    drawn = ",".join(f"drawbox=x={x}:y={y}:w={w}:h={h}:color=0x{colour}:t=fill" for x, y, w, h, colour in boxes)
    return f"color=size={width}x{height}:rate=30:duration=1,format=gbrp,{drawn}"


def taken(name: str, width: int, height: int, *options: str) -> Path:
    """The scene in a file."""
    return clips.make(f"shown-{name}", [*LAVFI, filmed(width, height), *options])


def assert_as_filmed(picture: np.ndarray, tolerance: int = 14) -> None:
    """Upright, in its colours, undistorted, and up to the edges of the canvas."""
    height, width, _ = picture.shape
    for (row, column), colour in CORNERS.items():
        ys = slice(height - 12, height) if row else slice(0, 12)
        xs = slice(width - 12, width) if column else slice(0, 12)
        corner = picture[ys, xs].astype(int)
        assert np.abs(np.median(corner, axis=(0, 1)) - colour).max() <= tolerance, (row, column)
        assert np.abs(corner - colour).mean() <= tolerance, (row, column)
    white = picture.min(axis=2) > 210
    rows, columns = np.flatnonzero(white.sum(axis=1) > 4), np.flatnonzero(white.sum(axis=0) > 4)
    assert len(rows) == pytest.approx(len(columns), abs=3), "a square"
    assert (rows.mean(), columns.mean()) == pytest.approx((height / 2, width / 2), abs=3)


TAGS = ["-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv"]
TO_709 = ["-vf", "scale=out_color_matrix=bt709:out_range=tv"]
SILENCE = [*LAVFI, "anullsrc=duration=1"]
FORMS = {
    "no-sound.mp4": (640, 360, [*X264, *YUV420]),
    "silence.mp4": (640, 360, [*SILENCE, *X264, *YUV420]),
    "much-sound.mp4": (640, 360, [*LAVFI, "sine=duration=3", *X264, *YUV420]),
    "444.mp4": (640, 360, [*X264, "-pix_fmt", "yuv444p"]),
    "422.mov": (640, 360, ["-c:v", "prores_ks", "-profile:v", "2"]),
    "faded.mov": (640, 360, ["-c:v", "prores_ks", "-profile:v", "4", "-pix_fmt", "yuva444p10le"]),
    "ten.mp4": (640, 360, [*TO_709, *X264, "-pix_fmt", "yuv420p10le", *TAGS]),
    "twelve.mp4": (640, 360, [*X265, "-pix_fmt", "yuv422p12le"]),
    "rgb.webm": (640, 360, [*VP9, "-pix_fmt", "gbrp"]),
    "rgb.mkv": (640, 360, ["-c:v", "ffv1", "-pix_fmt", "bgr0"]),
    "interlaced.mp4": (640, 360, ["-flags", "+ilme+ildct", "-c:v", "mpeg4", "-q:v", "2"]),
    "late.mkv": (640, 360, ["-vf", "setpts=PTS+60/TB", "-copyts", *X264, *YUV420]),
    "odd.webm": (319, 179, [*VP8, *YUV420]),
    "odd.mp4": (641, 361, [*X264, "-pix_fmt", "yuv444p"]),
    "odd.avi": (333, 187, ["-c:v", "mjpeg", "-q:v", "2", "-pix_fmt", "yuvj420p"]),
    "odd-old.webm": (341, 255, [*VP8, *YUV420]),
    "odd-high.webm": (203, 359, [*VP8, *YUV420]),
    "strip.webm": (1001, 201, [*VP8, *YUV420]),
    "tiny.mp4": (34, 18, [*X264, "-pix_fmt", "yuv444p"]),
}


@pytest.mark.parametrize("name", FORMS)
def test_a_video_of_any_form_is_shown_as_filmed(run: StepRun, name: str) -> None:
    width, height, options = FORMS[name]
    for picture in film(run, taken(name, width, height, *options)):
        assert_as_filmed(picture)


@pytest.mark.parametrize("fit", ["cover", "smart"])
def test_pixels_that_are_not_square_are_shown_as_if_they_were(run: StepRun, fit: str) -> None:
    narrow = taken("narrow.mp4", 640, 360, "-vf", "scale=320:360,setsar=2", *X264, *YUV420)
    assert_as_filmed(film(run, narrow, fit=fit)[1])


# turned and turned over: what is written into the file is how a phone holds its sensor


HOLDS = {
    "90": (["-display_rotation", "90"], "transpose=clock"),
    "180": (["-display_rotation", "180"], "hflip,vflip"),
    "270": (["-display_rotation", "-90"], "transpose=cclock"),
    "mirrored": (["-display_hflip"], "hflip"),
}


@pytest.mark.parametrize("name", HOLDS)
@pytest.mark.parametrize("profile", [SMALL, TALL], ids=["wide", "tall"])
def test_a_phone_may_be_held_in_any_way(run: StepRun, name: str, profile: Profile) -> None:
    note, sensor = HOLDS[name]
    stored = taken(f"sensor-{name}.mp4", profile.width * 2, profile.height * 2, "-vf", sensor, *X264, *YUV420)
    phone = clips.make(f"shown-{profile.width}-held-{name}.mp4", [*note, "-i", str(stored), "-c", "copy"])
    for picture in film(run, phone, profile=profile):
        assert_as_filmed(picture)


NOTED = {6: Image.Transpose.ROTATE_90, 7: Image.Transpose.TRANSVERSE}
"How the sensor sees it, by the number of Exif that tells how to undo that."


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp"])
@pytest.mark.parametrize("orientation", NOTED)
def test_so_may_a_camera(run: StepRun, tmp_path: Path, orientation: int, suffix: str) -> None:
    path, note = tmp_path / f"photo.{suffix}", Image.Exif()
    note[0x0112] = orientation
    with Image.open(taken("upright.png", 640, 360, "-frames:v", "1")) as image:
        image.convert("RGB").transpose(NOTED[orientation]).save(path, exif=note, quality=95)
    footage = acquired(run, path)
    assert (footage.width, footage.height) == (640, 360)
    assert_as_filmed(film(run, path)[1])


# when which picture is shown: the source counts its frames with a white column, which goes to the right


COUNT = 4
"Pixels the column goes on with each frame."
COUNTING = (
    f"color=black:size=320x180:rate=30:duration=2[ground];color=white:size={COUNT}x180:rate=30:duration=2[column]"
)
COUNTED = f"{COUNTING};[ground][column]overlay=x={COUNT}*(n-1):y=0:eval=frame"
SLOWING = "select='lt(n,30)+not(mod(n,3))'"
"A second of all its frames, then every third: what a phone does when it gets dark."


def counting(name: str, *options: str, then: str = "null") -> Path:
    return clips.make(f"counting-{name}", ["-filter_complex", f"{COUNTED},{then}", *options])


def numbers(found: np.ndarray) -> list[int]:
    """The number of the source's frame that each picture shows."""
    bright = found[:, 80:100].astype(float).mean(axis=(1, 3))
    assert bright.max(axis=1).min() > 150, "a column in each"
    places = np.arange(bright.shape[1]) + 0.5
    sharp = np.clip(bright - 100, 0, None)
    return [int(x // COUNT) for x in sharp @ places / sharp.sum(axis=1)]


def slowing(name: str, *options: str, then: str = "null") -> Path:
    sound = [*LAVFI, "sine=duration=2", "-c:a", "aac"]
    return counting(name, *sound, "-fps_mode", "vfr", *X264, *YUV420, *options, then=f"{SLOWING},{then}")


def in_time(first: int, frames: int) -> list[int]:
    """What is to be seen of that from one of its frames on, at 30 a second."""
    return [n if n < 30 else n // 3 * 3 for n in range(first, first + frames)]


def test_a_phone_that_slows_down_shows_each_picture_in_its_time(run: StepRun) -> None:
    assert numbers(film(run, slowing("phone.mp4"), 58)) == in_time(0, 58)


def test_also_if_it_is_held_upright(run: StepRun) -> None:
    stored = slowing("sensor.mp4", then="transpose=clock")
    phone = clips.make("counting-held.mp4", ["-display_rotation", "90", "-i", str(stored), "-c", "copy"])
    assert numbers(film(run, phone, 58)) == in_time(0, 58)


@pytest.mark.parametrize("keys", ["5", "250"])
@pytest.mark.parametrize("start", [0.4, 0.8, 1.1])
def test_also_if_it_is_cut_into(run: StepRun, start: float, keys: str) -> None:
    shown = numbers(film(run, slowing(f"{keys}.mp4", "-g", keys), 25, source_start=start))
    assert shown in [in_time(round(start * 30) + off, 25) for off in (-1, 0, 1)]


def test_a_moving_gif_moves(run: StepRun) -> None:
    gif = counting("moving.gif", "-fps_mode", "vfr", then="select=not(mod(n\\,3))")
    assert acquired(run, gif).kind == "video"
    assert numbers(film(run, gif, 70)) == [min(57, n // 3 * 3) for n in range(70)]


def test_a_gif_of_one_picture_is_a_still(run: StepRun) -> None:
    gif = taken("one.gif", 640, 360, "-frames:v", "1")
    assert acquired(run, gif).kind == "still"
    for picture in film(run, gif):
        assert_as_filmed(picture)


ONE_FRAME = {
    "one.mp4": [*X264, *YUV420],
    "one.webm": [*VP8, *YUV420],
    "one.avi": ["-c:v", "mjpeg", "-q:v", "2", "-pix_fmt", "yuvj420p"],
}


@pytest.mark.parametrize("name", ONE_FRAME)
def test_a_clip_of_one_frame_holds_it_and_says_so(run: StepRun, name: str) -> None:
    footage = acquired(run, taken(name, 640, 360, "-frames:v", "1", *ONE_FRAME[name]))
    assert 0 < footage.seconds < 0.05
    facts = segment(scene(clip(footage, 75)), run, PROGRAM, threads=1)
    shown = pictures(run.workdir / "segment.mp4")
    assert len(shown) == 75
    assert_as_filmed(shown[0])
    assert_as_filmed(shown[-1])
    assert facts.report.problems == ("shot s1.0 is at its end and holds its last picture for 2.4 s",)


# high dynamic range


def hdr(transfer: str, name: str, picture: str, *, matrix: str = "null") -> Path:
    """A 10-bit clip that says of itself what its picture is."""
    marks = f"setparams=range=tv:color_primaries=bt2020:color_trc={transfer}:colorspace=bt2020nc"
    source = f"{picture},{matrix},format=yuv420p10le,{marks}"
    return clips.make(f"shown-{transfer}-{name}.mp4", [*LAVFI, source, *X265])


def plain(run: StepRun, path: Path) -> np.ndarray:
    """A picture of the film without the evening out that footage of odd brightness gets."""
    shown = clip(acquired(run, path).model_copy(update={"tone": None}), 3)
    segment(scene(shown), run, PROGRAM, threads=1)
    return pictures(run.workdir / "segment.mp4")[1]


# What BT.2408 gives for both: a grey card and a white sheet in percent of the signal, on a screen 26 and 203 cd/m2.
CARDS = {"smpte2084": (0.38, 0.58), "arib-std-b67": (0.38, 0.75)}


@pytest.mark.parametrize("transfer", CARDS)
def test_the_greys_of_a_high_dynamic_range_are_where_they_should_be(run: StepRun, transfer: str) -> None:
    grey, white = (round(64 + 876 * signal) for signal in CARDS[transfer])
    codes = f"if(lt(X,W/4),64,if(lt(X,W/2),{grey},if(lt(X,3*W/4),{white},940)))"
    steps = f"nullsrc=size=640x360:rate=30:duration=0.2,format=yuv420p10le,geq=lum='{codes}':cb=512:cr=512"
    found = plain(run, hdr(transfer, "greys", steps))
    black, card, sheet, light = (np.median(found[:, x - 30 : x + 30], axis=(0, 1)) for x in (40, 120, 200, 280))
    assert black.max() <= 3
    # 26 of 203 cd/m2 on the screen of BT.1886.
    assert card == pytest.approx([255 * (26 / 203) ** (1 / 2.4)] * 3, abs=5)
    assert 200 < sheet.min() <= sheet.max() < 235, "white, with room above it"
    assert sheet.max() < light.min()


@pytest.mark.parametrize("transfer", CARDS)
def test_the_colours_of_a_high_dynamic_range_are_those_that_were_filmed(run: StepRun, transfer: str) -> None:
    down = f"zscale=tin=bt709:min=gbr:pin=bt709:rin=full:t={transfer}:m=bt2020nc:p=bt2020:r=limited:npl=203"
    patches = [(130, 40, 40), (40, 110, 60), (40, 50, 130), (120, 110, 90)]
    boxes = ",".join(f"drawbox=x={160 * n}:w=160:color=0x{bytes(rgb).hex()}:t=fill" for n, rgb in enumerate(patches))
    found = plain(run, hdr(transfer, "colours", f"color=size=640x360:duration=0.2,{boxes},format=gbrp", matrix=down))
    for n, colour in enumerate(patches):
        assert np.median(found[:, 80 * n + 20 : 80 * n + 60], axis=(0, 1)) == pytest.approx(colour, abs=8)


# what breaks off


CUT = {
    "index-behind.mp4": [*X264, *YUV420],
    "index-in-front.mp4": [*X264, *YUV420, "-movflags", "+faststart"],
    "cut.webm": [*VP8, *YUV420],
    "cut.avi": [*X264, *YUV420],
    "cut.png": ["-frames:v", "1"],
    "cut.jpg": ["-frames:v", "1"],
    "cut.gif": ["-frames:v", "1"],
}


@pytest.mark.parametrize("share", [0.1, 0.5])
@pytest.mark.parametrize("name", CUT)
def test_what_is_cut_off_is_refused_in_one_sentence(run: StepRun, tmp_path: Path, name: str, share: float) -> None:
    whole = clips.make(f"whole-{name}", [*LAVFI, "testsrc2=size=320x180:rate=30:duration=3", *CUT[name]])
    with pytest.raises(BadMedia) as caught:
        acquired(run, clips.cut(whole, share, tmp_path))
    said = str(caught.value)
    assert said.startswith(f"the uploaded asset {ASSET} cannot be used: ")
    assert any(reason in said for reason in ("cut off", "damaged"))
    assert "\n" not in said
    assert str(tmp_path) not in said


def test_where_only_the_last_frames_are_missing_the_rest_is_shown(run: StepRun, tmp_path: Path) -> None:
    whole = counting("front.mp4", *X264, *YUV420, "-movflags", "+faststart")
    shown = numbers(film(run, clips.cut(whole, 0.93, tmp_path), 60))
    last = max(shown)
    assert 45 < last < 59
    assert shown == [min(n, last) for n in range(60)]


# pictures


STILLS = {
    "deep.png": (640, 360, ["-pix_fmt", "rgba64be"]),
    "odd.jpg": (333, 187, ["-q:v", "2", "-pix_fmt", "yuvj420p"]),
    "odd.webp": (333, 187, ["-quality", "95"]),
    "print.jpg": (640, 360, ["-q:v", "2", "-pix_fmt", "yuvj444p"]),
}


@pytest.mark.parametrize("motion", ["none", "zoom-in"])
@pytest.mark.parametrize("name", STILLS)
def test_a_picture_of_any_form_is_shown_as_it_is(run: StepRun, name: str, motion: str) -> None:
    width, height, options = STILLS[name]
    for picture in film(run, taken(name, width, height, *options, "-frames:v", "1"), motion=motion):
        assert_as_filmed(picture)


@pytest.mark.parametrize(("width", "height"), [(8192, 2000), (2000, 8192)])
def test_a_huge_picture_is_shown_as_it_is(run: StepRun, width: int, height: int) -> None:
    huge = taken(f"huge-{width}.png", width, height, "-frames:v", "1")
    for picture in film(run, huge, motion="zoom-in"):
        assert_as_filmed(picture)


@pytest.mark.parametrize(("width", "height"), [(8200, 100), (7200, 7200)])
def test_a_picture_that_is_too_large_is_refused_with_the_limit(run: StepRun, width: int, height: int) -> None:
    larger = clips.make(f"larger-{width}.png", [*LAVFI, f"color=gray:size={width}x{height}", "-frames:v", "1"])
    with pytest.raises(BadMedia, match=r"too large: at most 8192 pixels a side and 50 megapixels$"):
        acquired(run, larger)


# what is transparent in places


def inked(path: Path, ink: int, mode: str, **options: object) -> Path:
    """A square of this ink in the middle of a picture that is transparent, over black, elsewhere."""
    drawn = Image.new("RGBA", (640, 360), (0, 0, 0, 0))
    drawn.paste((ink, ink, ink, 255), (270, 130, 370, 230))
    picture = drawn.quantize(8) if mode == "P" else drawn.convert(mode)
    picture.save(path, **options)
    return path


@pytest.mark.parametrize(
    ("name", "mode"),
    [("logo.png", "RGBA"), ("logo.png", "LA"), ("logo.png", "P"), ("logo.gif", "RGBA"), ("l.webp", "RGBA")],
)
@pytest.mark.parametrize(("ink", "ground"), [(0, 255), (90, 255), (255, 0)])
def test_what_is_transparent_is_seen_on_white_or_what_is_white_on_black(
    run: StepRun, tmp_path: Path, name: str, mode: str, ink: int, ground: int
) -> None:
    (first, *_) = film(run, inked(tmp_path / name, ink, mode))
    corners = np.concatenate([first[:20, :20], first[-20:, -20:]]).astype(int)
    assert np.abs(corners - ground).max() <= 12
    assert np.abs(first[80:100, 150:170].astype(int) - ink).max() <= 12


def test_a_moving_gif_is_seen_on_its_ground_all_along(run: StepRun, tmp_path: Path) -> None:
    one, other = (Image.new("RGBA", (320, 180), (0, 0, 0, 0)) for _ in range(2))
    one.paste((200, 30, 30, 255), (0, 0, 100, 180))
    other.paste((200, 30, 30, 255), (220, 0, 320, 180))
    path = tmp_path / "moves.gif"
    one.save(path, save_all=True, append_images=[other], duration=100, disposal=2)
    found = film(run, path, 6)
    assert found[0][90, 300].min() > 240
    assert found[-1][90, 20].min() > 240
    assert found[-1][90, 300, 0] > 150 > found[-1][90, 300, 1]


@pytest.mark.parametrize("level", [64, 191])
def test_what_shows_through_in_part_is_mixed_with_the_ground(run: StepRun, tmp_path: Path, level: int) -> None:
    path = tmp_path / "veil.png"
    Image.new("RGBA", (640, 360), (40, 40, 40, level)).save(path)
    (first, *_) = film(run, path)
    wanted = (40 * level + 255 * (255 - level)) / 255
    assert np.abs(first.astype(int) - wanted).max() <= 6


def test_a_picture_that_could_be_transparent_and_is_not_stays_as_it_is(run: StepRun, tmp_path: Path) -> None:
    path = tmp_path / "whole.png"
    Image.new("RGBA", (640, 360), (120, 90, 60, 255)).save(path)
    assert acquired(run, path).ground == ""
