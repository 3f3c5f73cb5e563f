"""Tone and focus of real files: what the renderer will see, whatever way it was written."""

import subprocess
from pathlib import Path

import imageio_ffmpeg
import pytest
from PIL import Image

import retriever.inspection.measure
from retriever.inspection.program import Picture, footage_type, inspect
from tests.support import clips

SEEN = "testsrc2=size=1280x720:rate=10:duration=1,trim=end_frame=1,loop=9:1,setpts=N/10/TB,hue=s=0.5,format=gbrp"
X264 = ["-c:v", "libx264", "-preset", "ultrafast", "-qp", "4"]
BT709 = ["-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709"]
BT601 = ["-colorspace", "smpte170m", "-color_primaries", "smpte170m", "-color_trc", "smpte170m"]

# A wall that stands still, and something of its kind that moves before it.
WALL = "nullsrc=size=640x360:rate=25,geq=lum='128+50*sin(X/5+sin(Y/9)*3)*sin(Y/7+X/31)':cb=128:cr=128"
WALK = "[0]loop=-1:1,trim=duration=4,setpts=N/25/TB[wall];[wall][1]overlay=x='{x}+25*sin(3*t)':y=130:shortest=1"
ACTOR = "color=0x909090:size=60x100:rate=25:duration=4,noise=alls=40:all_seed=3,format=yuv420p"


def look(path: Path) -> Picture:
    return inspect(path, footage_type(path), closely=True)


def written(name: str, change: str, *options: str) -> Path:
    """One and the same moving picture in another form."""
    return clips.make(f"seen-{name}", ["-f", "lavfi", "-i", SEEN, "-vf", change, *options])


def walking(x: int, *options: str) -> Path:
    name = f"walking-{x}{'-'.join(options)}.mp4"
    sources = ["-f", "lavfi", "-i", WALL, "-f", "lavfi", "-i", ACTOR]
    return clips.make(name, [*sources, "-filter_complex", WALK.format(x=x), "-preset", "ultrafast", *options])


FORMS = {
    "tv.mp4": ("scale=out_color_matrix=bt709:out_range=tv,format=yuv444p", *X264, *BT709, "-color_range", "tv"),
    "full.mp4": ("scale=out_color_matrix=bt709:out_range=pc,format=yuv444p", *X264, *BT709, "-color_range", "pc"),
    "old.mp4": ("scale=out_color_matrix=bt601:out_range=tv,format=yuv444p", *X264, *BT601, "-color_range", "tv"),
    "ten.mp4": ("scale=out_color_matrix=bt709:out_range=tv,format=yuv420p10le", *X264, *BT709, "-color_range", "tv"),
    "unmarked.mp4": ("scale=out_color_matrix=bt709:out_range=tv,format=yuv420p", *X264),
    "rgb.mkv": ("null", "-c:v", "libx264rgb", "-preset", "ultrafast", "-qp", "4"),
    "deep.png": ("format=rgb48be", "-frames:v", "1"),
    "photo.jpg": ("format=yuvj444p", "-q:v", "1", "-frames:v", "1"),
}


@pytest.mark.parametrize("name", FORMS)
def test_the_tone_is_the_same_in_whatever_form_a_picture_is_written(name: str) -> None:
    plain = look(written("plain.png", "null", "-frames:v", "1")).tone
    change, *options = FORMS[name]
    assert look(written(name, change, *options)).tone == pytest.approx(plain, abs=1.5)


def test_the_tone_is_what_the_pixels_say() -> None:
    grey = "color=0x808080:size=640x360:rate=10:duration=1,format=gbrp"
    quarters = "drawbox=w=iw/4:color=black:t=fill,drawbox=x=3*iw/4:w=iw/4:color=white:t=fill"
    tone = look(clips.make("quarters.png", ["-f", "lavfi", "-i", f"{grey},{quarters}", "-frames:v", "1"])).tone
    assert tone == pytest.approx({"black": 16, "mid": 126, "white": 235, "u": 128, "v": 128}, abs=1)


@pytest.mark.parametrize("transfer", ["smpte2084", "arib-std-b67"])
def test_what_has_a_high_dynamic_range_is_measured_as_the_film_will_show_it(transfer: str) -> None:
    marks = f"setparams=range=tv:color_primaries=bt2020:color_trc={transfer}:colorspace=bt2020nc"
    source = f"testsrc2=size=640x360:rate=10:duration=1,hue=s=0.4,format=yuv420p10le,{marks}"
    codec = ["-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none:qp=8"]
    hdr = clips.make(f"{transfer}.mp4", ["-f", "lavfi", "-i", source, *codec])
    linear = "zscale=primariesin=bt2020:matrixin=bt2020nc:transfer=linear:npl=203,format=gbrpf32le"
    down = "zscale=primaries=bt709,tonemap=mobius:desat=0,zscale=transfer=bt709:matrix=bt709:range=tv,format=yuv444p"
    sdr = clips.make(f"{transfer}-sdr.mp4", ["-i", str(hdr), "-vf", f"{linear},{down}", *X264, *BT709])
    assert look(hdr).tone == pytest.approx(look(sdr).tone, abs=3)


@pytest.mark.parametrize(("x", "share"), [(80, 0.17), (500, 0.83)])
@pytest.mark.parametrize("keys", ["250", "25"], ids=["one key frame", "many"])
def test_what_moves_before_a_wall_is_in_focus(x: int, share: float, keys: str) -> None:
    assert look(walking(x, "-g", keys)).focus[0] == pytest.approx(share, abs=0.07)


def test_what_is_sharp_before_something_blurred_is_in_focus() -> None:
    blurred = "testsrc2=size=1280x720:rate=25:duration=1,gblur=sigma=14"
    sharp = "testsrc2=size=320x400:rate=25:duration=1"
    inputs = ["-f", "lavfi", "-i", blurred, "-f", "lavfi", "-i", sharp]
    still = "[0][1]overlay=x=880:y=160,trim=end_frame=1,loop=24:1,setpts=N/25/TB"
    clip = clips.make("sharp.mp4", [*inputs, "-filter_complex", still, "-preset", "ultrafast"])
    assert look(clip).focus[0] == pytest.approx(0.81, abs=0.07)


def test_where_nothing_is_to_be_seen_the_middle_is_in_focus() -> None:
    plain = clips.make("even.mp4", ["-f", "lavfi", "-i", "color=0x557788:size=640x360:rate=25:duration=2"])
    assert look(plain).focus == pytest.approx((0.5, 0.45), abs=0.05)


@pytest.mark.parametrize(("rotation", "place"), [(90, (None, 0.83)), (-90, (None, 0.17)), (180, (0.83, None))])
def test_the_focus_is_given_as_shown(rotation: int, place: tuple[float | None, float | None]) -> None:
    turned = ["-display_rotation", str(rotation), "-i", str(walking(80, "-g", "25")), "-c", "copy"]
    got = look(clips.make(f"walking-{rotation}.mp4", turned)).focus
    for share, wanted in zip(got, place, strict=True):
        assert wanted is None or share == pytest.approx(wanted, abs=0.07)


# Where the upper left corner of the pixels is shown, by the number of Exif.
CORNERS = {1: (0, 0), 2: (1, 0), 3: (1, 1), 4: (0, 1), 5: (0, 0), 6: (1, 0), 7: (1, 1), 8: (0, 1)}


@pytest.mark.parametrize("orientation", CORNERS)
def test_photos_are_looked_at_the_right_way_up(orientation: int, tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    photo = Image.new("RGB", (640, 640), (70, 70, 90))
    with Image.open(clips.picture()) as thing:
        photo.paste(thing.resize((160, 160)), (60, 60))
    exif = photo.getexif()
    exif[0x0112] = orientation
    photo.save(path, exif=exif)
    wanted = tuple(0.22 if edge == 0 else 0.78 for edge in CORNERS[orientation])
    assert look(path).focus == pytest.approx(wanted, abs=0.1)


@pytest.mark.parametrize(("size", "most"), [("640x360", 8), ("3840x2160", 4)])
def test_only_a_few_frames_are_decoded_however_long_the_clip(
    size: str, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = f"color=gray:size={size}:rate=5:duration=8"
    path = clips.make(f"{size}.mp4", ["-f", "lavfi", "-i", source, "-preset", "ultrafast", "-g", "4"])
    seen: list[float | None] = []
    make_small = retriever.inspection.measure._small

    def counting(frame, view):  # type: ignore[no-untyped-def]
        seen.append(frame.pts)
        return make_small(frame, view)

    monkeypatch.setattr(retriever.inspection.measure, "_small", counting)
    look(path)
    assert len(seen) == 1 + most  # the first was decoded already
    assert len(set(seen)) >= most, "spread over the clip"


def test_the_beginning_is_not_decoded_once_more(monkeypatch: pytest.MonkeyPatch) -> None:
    path = walking(500, "-g", "25")
    known = look(path)
    decoded: list[int] = []
    decode_run = retriever.inspection.measure._run

    def noting(container, stream, start, most, view):  # type: ignore[no-untyped-def]
        decoded.append(start)
        return decode_run(container, stream, start, most, view)

    monkeypatch.setattr(retriever.inspection.measure, "_run", noting)
    assert look(path) == known
    assert len(decoded) == 3, "of four places"
    assert 0 not in decoded


def test_an_unfocused_crop_would_miss_what_a_focused_one_shows(tmp_path: Path) -> None:
    """The cut from wide to upright, as the renderer makes it, holds the actor and not the wall alone."""
    clip = walking(500, "-g", "25")
    x, _ = look(clip).focus
    left = min(640 - 202, max(0, round(640 * x) - 101))
    cut = tmp_path / "cut.png"
    program = [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", "-ss", "2", "-i", str(clip), "-frames:v", "1"]
    subprocess.run([*program, "-vf", f"crop=202:360:{left}:0", str(cut)], check=True)
    actor = (500 - 25, 500 + 25 + 60)
    assert left <= actor[0]
    assert actor[1] <= left + 202
    with Image.open(cut) as picture:
        assert picture.size == (202, 360)
