"""Files as phones, editors and strangers make them: the right facts, or one sentence that says what is wrong."""

from pathlib import Path

import pytest

import retriever.inspection.measure
from common.errors import BadMedia
from retriever.inspection.program import Picture, footage_type, inspect
from tests.support import clips

X264 = ["-c:v", "libx264", "-preset", "ultrafast"]
LAVFI = ["-f", "lavfi", "-i"]
TWO_SECONDS = [*LAVFI, "testsrc2=size=320x180:rate=30:duration=2"]
ONE = [*TWO_SECONDS, "-frames:v", "1"]
SLOWING = "select='lt(n,30)+not(mod(n,3))'"
HDR = "setparams=range=tv:color_primaries=bt2020:colorspace=bt2020nc:color_trc="
VP8 = ["-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8"]
X265 = ["-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none"]
COVER = [*LAVFI, "sine=duration=1", *LAVFI, "testsrc2=size=300x300", "-frames:v", "1", "-map", "0", "-map", "1"]
AS_COVER = ["-c:v", "mjpeg", "-disposition:v", "attached_pic"]
FADED = "yuva444p10le"
FRAGMENTS = ["-movflags", "empty_moov+frag_keyframe"]
YCGCO = ["-bsf:v", "h264_metadata=matrix_coefficients=8"]


def made(name: str, *arguments: str) -> Path:
    return clips.make(f"odd-{name}", list(arguments))


def look(path: Path) -> Picture:
    """As the program does that looks at files of strangers."""
    return inspect(path, footage_type(path), closely=True)


VIDEOS = {
    # One second at 30 a second, then every third frame; the last is shown for a thirtieth.
    "vfr.mp4": ([*TWO_SECONDS, "-vf", SLOWING, "-fps_mode", "vfr", *X264], (320, 180, 1.933, 20.69)),
    "hlg.mp4": ([*TWO_SECONDS, "-vf", f"format=yuv420p10le,{HDR}arib-std-b67", *X265], (320, 180, 2.0, 30.0)),
    "pq.mp4": ([*TWO_SECONDS, "-vf", f"format=yuv420p10le,{HDR}smpte2084", *X265], (320, 180, 2.0, 30.0)),
    "444.mp4": ([*TWO_SECONDS, "-pix_fmt", "yuv444p", *X264], (320, 180, 2.0, 30.0)),
    "12bit.mp4": ([*TWO_SECONDS, "-pix_fmt", "yuv422p12le", *X265], (320, 180, 2.0, 30.0)),
    "faded.mov": ([*TWO_SECONDS, "-c:v", "prores_ks", "-profile:v", "4", "-pix_fmt", FADED], (320, 180, 2.0, 30.0)),
    "rgb.webm": ([*TWO_SECONDS, "-c:v", "libvpx-vp9", "-cpu-used", "8", "-pix_fmt", "gbrp"], (320, 180, 2.0, 30.0)),
    "grey.mkv": ([*TWO_SECONDS, "-c:v", "ffv1", "-pix_fmt", "gray16le"], (320, 180, 2.0, 30.0)),
    "odd.webm": ([*TWO_SECONDS, "-vf", "scale=319:179,setsar=1", *VP8], (319, 179, 2.0, 30.0)),
    "odd.mp4": ([*TWO_SECONDS, "-vf", "scale=319:179,setsar=1,format=yuv444p", *X264], (319, 179, 2.0, 30.0)),
    "interlaced.mp4": ([*TWO_SECONDS, "-flags", "+ilme+ildct", "-c:v", "mpeg4"], (320, 180, 2.0, 30.0)),
    "wide.mp4": ([*TWO_SECONDS, "-vf", "setsar=4/3", *X264], (427, 180, 2.0, 30.0)),
    "silence.mp4": ([*TWO_SECONDS, *LAVFI, "anullsrc=duration=2", *X264], (320, 180, 2.0, 30.0)),
    "long-sound.mp4": ([*TWO_SECONDS, *LAVFI, "sine=duration=5", *X264], (320, 180, 2.0, 30.0)),
    "late.mkv": ([*TWO_SECONDS, "-vf", "setpts=PTS+60/TB", "-copyts", *X264], (320, 180, 2.0, 30.0)),
    "one.mp4": ([*ONE, *X264], (320, 180, 0.033, 30.0)),
    "one.webm": ([*ONE, *VP8], (320, 180, 0.033, 30.0)),
    "slides.mp4": ([*LAVFI, "testsrc2=size=320x180:rate=1/5:duration=10", *X264], (320, 180, 10.0, 0.2)),
    "at-once.mkv": ([*TWO_SECONDS, "-bsf:v", "setts=ts=0", *VP8], (320, 180, 0.033, 30.0)),
    "fragments.mp4": ([*TWO_SECONDS, *X264, "-g", "15", *FRAGMENTS], (320, 180, 2.0, 30.0)),
    "moving.gif": ([*LAVFI, "testsrc2=size=160x90:rate=10:duration=2"], (160, 90, 2.0, 10.0)),
}


@pytest.mark.parametrize("name", VIDEOS)
def test_an_odd_video_tells_what_it_is(name: str) -> None:
    arguments, facts = VIDEOS[name]
    got = look(made(name, *arguments))
    assert (got.kind, got.width, got.height, got.seconds, got.fps) == ("video", *facts)
    assert got.tone is not None
    assert 16 <= got.tone["black"] <= got.tone["mid"] <= got.tone["white"] <= 235


def test_a_turned_video_from_a_phone_tells_its_sides_as_shown() -> None:
    upright = made("vfr.mp4", *VIDEOS["vfr.mp4"][0])
    turned = made("turned.mp4", "-display_rotation", "90", "-i", str(upright), "-c", "copy")
    assert look(turned)[:5] == ("video", 180, 320, 1.933, 20.69)
    wide = made("wide.mp4", *VIDEOS["wide.mp4"][0])
    assert look(made("high.mp4", "-display_rotation", "90", "-i", str(wide), "-c", "copy"))[1:3] == (180, 427)


@pytest.mark.parametrize("seconds", [0.5, 15.0])
def test_a_video_cut_without_coding_it_again_begins_between_its_key_frames(seconds: float) -> None:
    whole = made("whole-20.mp4", *LAVFI, "testsrc2=size=320x180:rate=30:duration=20", *X264, "-g", "999")
    cut = made(f"from-{seconds}.mp4", "-ss", str(seconds), "-i", str(whole), "-c", "copy")
    assert look(cut)[:5] == ("video", 320, 180, 20 - seconds, 30.0)


STILLS = {
    "one.gif": ONE,
    "moving.png": [*LAVFI, "testsrc2=size=320x180:rate=10:duration=1", "-f", "apng"],
    "deep.png": [*ONE, "-pix_fmt", "rgba64be"],
    "grey.png": [*ONE, "-pix_fmt", "ya16be"],
    "grey.jpg": [*ONE, "-pix_fmt", "gray"],
    "faded.webp": [*ONE, "-pix_fmt", "yuva420p"],
}


@pytest.mark.parametrize("name", STILLS)
def test_an_odd_picture_is_a_still(name: str) -> None:
    got = look(made(name, *STILLS[name]))
    assert got[:5] == ("still", 320, 180, 0.0, 0.0)
    assert got.tone is not None


def test_a_huge_picture_is_taken() -> None:
    assert look(made("huge.png", *LAVFI, "color=gray:size=8192x3000", "-frames:v", "1"))[:3] == ("still", 8192, 3000)


REFUSED = {
    "moving.webp": ([*TWO_SECONDS, "-r", "5", "-c:v", "libwebp_anim"], "moving WebP picture cannot be shown"),
    "larger.png": ([*LAVFI, "color=gray:size=7200x7200", "-frames:v", "1"], "too large: at most 8192 pixels a side"),
    "cover.mp3": ([*COVER, *AS_COVER, "-id3v2_version", "3"], "audio/mpeg cannot be shown"),
    "cover.m4a": ([*COVER, *AS_COVER], "audio/mp4 cannot be shown"),
    "cover.mp4": ([*COVER, *AS_COVER], "no picture in it, apart from a cover"),
    "cover.flac": ([*COVER, *AS_COVER], "audio/flac cannot be shown"),
    "nothing.mp4": ([*TWO_SECONDS, "-t", "0", *X264], "damaged"),
    "nothing.webm": ([*TWO_SECONDS, "-t", "0", *VP8], "damaged"),
    "needles.mp4": ([*TWO_SECONDS, "-vf", "setsar=20/1", *X264], "stretched too far"),
    "unusual.mp4": ([*TWO_SECONDS, *X264, *YCGCO], "colours are written in an unusual way"),
    "locked.mp4": (
        [
            *[*TWO_SECONDS, *X264, "-encryption_scheme", "cenc-aes-ctr"],
            *["-encryption_key", "76a6c65c5ea762046bd749a2e632ccbb"],
            *["-encryption_kid", "a7e61c373e219033c21091fa607bf3b8"],
        ],
        "encrypted",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_shown_is_refused_in_one_sentence(name: str) -> None:
    arguments, reason = REFUSED[name]
    path = made(name, *arguments)
    with pytest.raises(BadMedia, match=reason):
        look(path)


def test_a_file_of_fragments_without_a_fragment_is_refused(tmp_path: Path) -> None:
    data = made("fragments.mp4", *VIDEOS["fragments.mp4"][0]).read_bytes()
    path = tmp_path / "head.mp4"
    path.write_bytes(data[: data.index(b"moof") - 4])
    with pytest.raises(BadMedia):
        look(path)


@pytest.mark.parametrize("data", [b"", b"RIFF\x10\0\0\0WEBPVP8X", b"\0\0\0\x20ftypisom", bytes(range(256)) * 400])
def test_what_only_begins_like_a_file_is_refused(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "stub.mp4"
    path.write_bytes(data)
    with pytest.raises(BadMedia):
        look(path)


def test_a_file_that_says_it_is_larger_than_any_file_can_be_counts_as_far_as_it_goes(tmp_path: Path) -> None:
    data = bytearray(made("late.mkv", *VIDEOS["late.mkv"][0]).read_bytes())
    size = data.index(bytes.fromhex("18538067")) + 4
    assert data[size] == 1, "seven more bytes of it"
    data[size + 1 : size + 8] = b"\xff" * 6 + b"\xfe"
    path = tmp_path / "endless.mkv"
    path.write_bytes(data)
    assert look(path)[:5] == ("video", 320, 180, 2.0, 30.0)


def test_where_a_part_cannot_be_decoded_the_rest_is_measured(tmp_path: Path) -> None:
    noise = [*LAVFI, "color=gray:size=320x180:rate=30:duration=2,noise=alls=20:all_seed=1"]
    whole = made("noise.mp4", *noise, *X264, "-g", "15", "-movflags", "+faststart")
    data = bytearray(whole.read_bytes())
    half = len(data) // 2
    data[half:] = b"\xff" * (len(data) - half)
    path = tmp_path / "spoilt.mp4"
    path.write_bytes(data)
    got, unspoilt = look(path), look(whole)
    assert got.seconds == unspoilt.seconds
    assert got.tone is not None
    assert unspoilt.tone is not None
    assert got.tone["mid"] == pytest.approx(unspoilt.tone["mid"], abs=3)


COLOURS = {
    "hlg.mp4": ("auto", True),
    "pq.mp4": ("auto", True),
    "444.mp4": ("bt601", False),  # small, and nothing is written down
    "rgb.webm": ("auto", False),
}


@pytest.mark.parametrize("name", COLOURS)
def test_how_its_colours_are_to_be_read_is_told(name: str) -> None:
    got = look(made(name, *VIDEOS[name][0]))
    assert (got.matrix, got.hdr) == COLOURS[name]


def test_a_large_video_that_says_nothing_is_read_as_high_definition() -> None:
    large = look(made("large.mp4", *LAVFI, "testsrc2=size=1280x720:rate=30:duration=0.2", *X264))
    assert (large.matrix, large.hdr) == ("bt709", False)


@pytest.mark.parametrize("trouble", [MemoryError, ValueError, RuntimeError])
def test_what_cannot_be_measured_can_still_be_shown(trouble: type[Exception], monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise trouble

    monkeypatch.setattr(retriever.inspection.measure, "focus", fail)
    got = look(made("vfr.mp4", *VIDEOS["vfr.mp4"][0]))
    assert got == Picture("video", 320, 180, 1.933, 20.69, tone=None, focus=(0.5, 0.5), matrix="bt601")
