"""What is seen in a file, and that a hostile one harms nobody."""

import os
import signal
import struct
import threading
import zlib
from pathlib import Path
from typing import Literal

import pytest
from PIL import Image

from common.errors import BadMedia, Retryable, Stopped
from common.worker.steprun import StepRun
from retriever.inspection.chunks import check_chunks
from retriever.inspection.program import Picture, footage_type, inspect
from retriever.inspection.sandbox import MAX_CPU_SECONDS, MAX_MEMORY, probe
from tests.support import clips
from tests.support.processes import find
from tests.support.steprun import step_run
from tests.support.waiting import eventually


@pytest.fixture
def run(tmp_path: Path) -> StepRun:
    return step_run(tmp_path)


def look(path: Path) -> Picture:
    return inspect(path, footage_type(path))


@pytest.mark.parametrize("suffix", ["mp4", "mov", "webm", "mkv", "avi"])
def test_every_kind_of_video_tells_its_size_length_and_rate(suffix: str) -> None:
    matrix: Literal["auto", "bt601"] = "auto" if suffix == "webm" else "bt601"  # only that encoder writes it down
    assert look(clips.clip(suffix=suffix)) == Picture("video", 320, 180, 2.0, 30.0, matrix=matrix)


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "gif"])
def test_every_kind_of_picture_is_a_still(suffix: str) -> None:
    assert look(clips.picture(suffix=suffix)) == Picture("still", 320, 180, 0.0, 0.0)


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "gif"])
def test_a_picture_that_breaks_off_is_refused(tmp_path: Path, suffix: str) -> None:
    with pytest.raises(BadMedia):
        look(clips.cut(clips.picture(suffix=suffix), 0.5, tmp_path))


@pytest.mark.parametrize(("rotation", "size"), [(90, (180, 320)), (180, (320, 180)), (-90, (180, 320))])
def test_sides_are_given_as_shown(rotation: int, size: tuple[int, int]) -> None:
    got = look(clips.clip(rotation=rotation))
    assert (got.width, got.height) == size


def test_a_photo_taken_upright_is_upright(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    with Image.open(clips.picture()) as photo:
        exif = photo.getexif()
        exif[0x0112] = 6  # orientation: turn right
        photo.save(path, exif=exif)
    assert look(path) == Picture("still", 180, 320, 0.0, 0.0)


def test_a_moving_gif_is_a_video() -> None:
    moving = clips.make("moving.gif", ["-f", "lavfi", "-i", "testsrc2=size=160x90:duration=1:rate=10"])
    assert look(moving) == Picture("video", 160, 90, 1.0, 10.0)


def test_the_length_is_measured_when_the_header_has_none() -> None:
    live = clips.make("live.webm", ["-i", str(clips.clip(suffix="webm")), "-c", "copy", "-live", "1"])
    assert look(live) == Picture("video", 320, 180, 2.0, 30.0)


def test_the_length_is_measured_when_the_header_lies(tmp_path: Path) -> None:
    data = bytearray(clips.clip().read_bytes())
    for atom in (b"mvhd", b"mdhd"):
        at = data.index(atom) + 4 + 12
        scale = struct.unpack_from(">I", data, at)[0]
        struct.pack_into(">I", data, at + 4, 100 * 3600 * scale % 2**32)
    path = tmp_path / "liar.mp4"
    path.write_bytes(data)
    assert look(path).seconds == 2.0


# files that break off


MOVING = ("-f", "lavfi", "-i", "testsrc2=size=160x90:rate=30:duration=6")
SOUND = ("-f", "lavfi", "-i", "sine=frequency=440:duration=6")
X264 = ("-c:v", "libx264", "-preset", "ultrafast", "-g", "30", "-pix_fmt", "yuv420p")
VP8 = ("-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8")
IN_FRONT = ("-movflags", "+faststart")
WHOLE: dict[str, tuple[str, ...]] = {
    "index-in-front.mp4": (*MOVING, *SOUND, *X264, *IN_FRONT),
    "index-in-front.mov": (*MOVING, *SOUND, *X264, *IN_FRONT),
    "silent.mp4": (*MOVING, *X264, *IN_FRONT),
    "fragments-told-in-front.mp4": (*MOVING, *SOUND, *X264, "-movflags", "+frag_keyframe+empty_moov+dash+global_sidx"),
    "whole.mkv": (*MOVING, *SOUND, *X264),
    "whole.webm": (*MOVING, *SOUND, *VP8),
    "cues-in-front.webm": (*MOVING, *SOUND, *VP8, "-cues_to_front", "1"),
    "whole.avi": (*MOVING, *SOUND, *X264),
}


@pytest.mark.parametrize("share", [0.03, 0.5, 0.9])
@pytest.mark.parametrize("name", WHOLE)
def test_a_video_that_is_cut_off_is_refused(tmp_path: Path, name: str, share: float) -> None:
    whole = clips.make(name, list(WHOLE[name]))
    assert look(whole).seconds == pytest.approx(6.0, abs=0.05)
    with pytest.raises(BadMedia, match=r"the video is cut off: \d\.\d seconds are missing at its end"):
        look(clips.cut(whole, share, tmp_path))


@pytest.mark.parametrize("name", WHOLE)
def test_the_last_few_frames_may_be_missing(tmp_path: Path, name: str) -> None:
    got = look(clips.cut(clips.make(name, list(WHOLE[name])), 0.96, tmp_path))
    assert 5.5 <= got.seconds < 6.05


def test_of_a_long_video_more_may_be_missing(tmp_path: Path) -> None:
    slow = ["-f", "lavfi", "-i", "testsrc2=size=64x64:rate=5:duration=120", *X264, *IN_FRONT]
    whole = clips.make("long-and-slow.mp4", slow)
    assert 120 * 0.98 <= look(clips.cut(whole, 0.985, tmp_path)).seconds <= 119.4
    with pytest.raises(BadMedia, match="cut off"):
        look(clips.cut(whole, 0.95, tmp_path))


def test_a_frame_of_which_only_a_part_is_there_is_not_counted(tmp_path: Path) -> None:
    whole = clips.make("silent.mp4", list(WHOLE["silent.mp4"]))
    got = look(clips.cut(whole, 1 - 10 / whole.stat().st_size, tmp_path))
    assert got.seconds == pytest.approx(6.0 - 1 / 30, abs=0.002)


ALL_THERE: dict[str, tuple[str, ...]] = {
    "sound-goes-on.mp4": (*MOVING, *SOUND, "-t", "6", *X264, "-frames:v", "60", *IN_FRONT),
    "sound-goes-on.mkv": (*MOVING, *SOUND, *X264, "-frames:v", "60"),
    "sound-goes-on.avi": (*MOVING, *SOUND, *X264, "-frames:v", "60"),
}


@pytest.mark.parametrize("name", ALL_THERE)
def test_a_picture_that_ends_before_the_sound_is_whole(name: str) -> None:
    assert look(clips.make(name, list(ALL_THERE[name]))).seconds == pytest.approx(2.0, abs=0.05)


def test_what_an_edit_list_leaves_out_is_not_missing() -> None:
    whole = clips.make("index-in-front.mp4", list(WHOLE["index-in-front.mp4"]))
    trimmed = clips.make("trimmed.mp4", ["-ss", "1.7", "-i", str(whole), "-t", "2.2", "-c", "copy", *IN_FRONT])
    assert 1.9 < look(trimmed).seconds < 3.5


def test_a_recording_that_nobody_ended_is_as_long_as_what_is_there(tmp_path: Path) -> None:
    live = clips.make("recording.webm", [*MOVING, *VP8, "-live", "1"])
    assert 2.0 < look(clips.cut(live, 0.5, tmp_path)).seconds < 4.0


@pytest.mark.parametrize("suffix", ["mp4", "mov"])
def test_a_video_whose_table_of_contents_is_cut_off_is_refused(tmp_path: Path, suffix: str) -> None:
    with pytest.raises(BadMedia, match="damaged"):
        look(clips.cut(clips.clip(suffix=suffix), 0.9, tmp_path))


def test_a_moving_gif_of_which_not_even_one_picture_is_left_is_refused(tmp_path: Path) -> None:
    moving = clips.make("moving.gif", ["-f", "lavfi", "-i", "testsrc2=size=160x90:duration=1:rate=10"])
    with pytest.raises(BadMedia, match="a part of it is missing"):
        look(clips.cut(moving, 0.05, tmp_path))


def test_one_frame_is_enough() -> None:
    single = clips.make("single.mp4", ["-i", str(clips.clip()), "-frames:v", "1"])
    got = look(single)
    assert (got.kind, got.width, got.height) == ("video", 320, 180)
    assert 0 < got.seconds <= 0.04


@pytest.mark.parametrize(
    ("name", "arguments", "reason"),
    [
        ("wide.png", ["-f", "lavfi", "-i", "color=size=8400x16", "-frames:v", "1"], "too large"),
        ("fast.mp4", ["-f", "lavfi", "-i", "color=size=32x32:rate=1000:duration=0.1"], "frame rate"),
        ("long.mkv", ["-f", "lavfi", "-i", "color=size=32x32:rate=1/600:duration=18000"], "longer than 4 hours"),
        ("dot.png", ["-f", "lavfi", "-i", "color=size=1x1", "-frames:v", "1"], "too small"),
    ],
)
def test_what_no_film_can_use_is_refused(name: str, arguments: list[str], reason: str) -> None:
    with pytest.raises(BadMedia, match=reason):
        look(clips.make(name, arguments))


def test_the_cover_of_an_album_is_no_video() -> None:
    album = clips.make(
        "album.mp4",
        [
            *("-i", str(clips.tone()), "-i", str(clips.picture()), "-map", "0", "-map", "1"),
            *("-c:v", "mjpeg", "-disposition:v", "attached_pic"),
        ],
    )
    with pytest.raises(BadMedia, match="no picture"):
        look(album)


def test_a_stranger_is_looked_at_from_a_process_of_its_own_with_the_same_result(run: StepRun) -> None:
    path = clips.clip(rotation=90)
    assert probe(path, "video/mp4", run) == inspect(path, "video/mp4", closely=True)


def test_a_picture_that_unpacks_to_gigabytes_is_refused(run: StepRun, tmp_path: Path) -> None:
    path = tmp_path / "bomb.png"
    path.write_bytes(_png_of(30_000, 30_000))
    assert path.stat().st_size < 1_000
    with pytest.raises(BadMedia, match=r"too large|damaged"):
        probe(path, "image/png", run)


def test_a_video_that_is_larger_than_its_headers_say_is_refused(run: StepRun, tmp_path: Path) -> None:
    plain = ["-f", "lavfi", "-i", "color=gray:size=8000x8000:rate=5:duration=0.2", "-preset", "ultrafast"]
    data = bytearray(clips.make("huge.mp4", plain).read_bytes())
    struct.pack_into(">HH", data, data.index(b"avc1", data.index(b"stsd")) + 28, 320, 320)
    path = tmp_path / "small.mp4"
    path.write_bytes(data)
    with pytest.raises(BadMedia, match=r"too large|cannot be decoded"):
        probe(path, "video/mp4", run)


def test_a_file_is_opened_as_what_it_claims_to_be_and_nothing_else(run: StepRun, tmp_path: Path) -> None:
    path = tmp_path / "list.mp4"
    path.write_text(f"#EXTM3U\n#EXTINF:2,\n{clips.clip()}\n#EXT-X-ENDLIST\n")
    with pytest.raises(BadMedia, match="damaged or not what it says"):
        probe(path, "video/mp4", run)


def test_a_step_that_is_called_off_does_not_begin_to_look(run: StepRun) -> None:
    run.call_off()
    with pytest.raises(Stopped):
        probe(clips.clip(), "video/mp4", run)


def test_the_look_is_limited_and_whoever_kills_it_does_not_blame_the_file(run: StepRun) -> None:
    never = run.workdir / "never.mp4"
    os.mkfifo(never)  # whoever opens it waits for somebody to write
    limits: list[str] = []

    def end_it() -> None:
        [pid] = eventually(lambda: find("retriever.inspection.program", os.getpid()))
        limits.append(Path(f"/proc/{pid}/limits").read_text())
        os.kill(pid, signal.SIGKILL)

    killer = threading.Thread(target=end_it)
    killer.start()
    with pytest.raises(Retryable, match="killed"):
        probe(never, "video/mp4", run)
    killer.join()
    soft = {line[:26].strip(): line[26:].split()[0] for line in limits[0].splitlines()}
    assert soft["Max address space"] == str(MAX_MEMORY)
    assert soft["Max cpu time"] == str(MAX_CPU_SECONDS)


MEGABYTE = 1024**2
BEFORE = {b"zTXt": b"Comment\0\0", b"iCCP": b"icc\0\0", b"iTXt": b"Comment\0\1\0en\0Bemerkung\0"}
"What stands before the packed part of a chunk."


@pytest.mark.parametrize("kind", BEFORE)
@pytest.mark.parametrize("late", [False, True])
def test_a_picture_with_gigabytes_beside_it_is_refused_before_they_are_unpacked(
    run: StepRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: bytes, late: bool
) -> None:
    """Its decoders would unpack all of it. With the memory that is left here they could not even begin."""
    beside = _chunk(kind, BEFORE[kind] + zlib.compress(bytes(600 * MEGABYTE), 1))
    path = tmp_path / "bomb.png"
    path.write_bytes(_png_with(b"" if late else beside, beside if late else b""))
    monkeypatch.setattr("retriever.inspection.sandbox.MAX_MEMORY", 400 * MEGABYTE)
    with pytest.raises(BadMedia, match="too much text or colour profile in it; save it again without them"):
        probe(path, "image/png", run)


def test_many_small_texts_count_together(run: StepRun, tmp_path: Path) -> None:
    each = _chunk(b"zTXt", BEFORE[b"zTXt"] + zlib.compress(bytes(MEGABYTE)))
    few, many = tmp_path / "few.png", tmp_path / "many.png"
    few.write_bytes(_png_with(each * 4))
    many.write_bytes(_png_with(each * 20))
    assert look(few).kind == "still"
    with pytest.raises(BadMedia, match="too much text"):
        look(many)


@pytest.mark.parametrize("beside", [b"", b"\0", b"x", b"Comment\0\0not packed"])
@pytest.mark.parametrize("kind", BEFORE)
def test_a_text_that_is_damaged_is_judged_by_the_decoders(tmp_path: Path, kind: bytes, beside: bytes) -> None:
    path = tmp_path / "odd.png"
    path.write_bytes(_png_with(_chunk(kind, beside)))
    check_chunks(path)


def test_a_chunk_that_says_it_is_larger_than_its_file_is_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "odd.png"
    path.write_bytes(_png_with(struct.pack(">I", 2**32 - 1) + b"zTXt" + b"Comment\0\0"))
    check_chunks(path)


def test_one_that_finds_no_memory_is_to_blame_for_it(run: StepRun, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("retriever.inspection.sandbox.MAX_MEMORY", 260 * MEGABYTE)
    path = clips.make("wide.png", ["-f", "lavfi", "-i", "testsrc2=s=6000x6000", "-frames:v", "1"])
    with pytest.raises(BadMedia):
        probe(path, "image/png", run)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _png_with(before: bytes, after: bytes = b"") -> bytes:
    """A grey picture with chunks before and after its pixels."""
    header = _chunk(b"IHDR", struct.pack(">IIBBBBB", 64, 64, 8, 0, 0, 0, 0))
    pixels = _chunk(b"IDAT", zlib.compress((b"\0" + bytes(64)) * 64))
    return b"\x89PNG\r\n\x1a\n" + header + before + pixels + after + _chunk(b"IEND", b"")


def _png_of(width: int, height: int) -> bytes:
    """A picture of 8 bytes a pixel that says how large it is and then has only its first row."""
    header = _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, 6, 0, 0, 0))
    row = zlib.compress(bytes(1 + width * 8))
    return b"\x89PNG\r\n\x1a\n" + header + _chunk(b"IDAT", row) + _chunk(b"IEND", b"")
