"""What is seen in a file, and that a hostile one harms nobody."""

import os
import signal
import struct
import threading
import zlib
from pathlib import Path

import pytest
from PIL import Image

from common.errors import BadMedia, Retryable, Stopped
from common.jobs.steprun import StepRun
from retriever.inspection import Picture, footage_type, inspect
from retriever.probe import MAX_CPU_SECONDS, MAX_MEMORY, probe
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
    assert look(clips.clip(suffix=suffix)) == Picture("video", 320, 180, 2.0, 30.0)


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "gif"])
def test_every_kind_of_picture_is_a_still(suffix: str) -> None:
    assert look(clips.picture(suffix=suffix)) == Picture("still", 320, 180, 0.0, 0.0)


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp"])
def test_a_picture_that_breaks_off_is_refused(tmp_path: Path, suffix: str) -> None:
    whole = clips.picture(suffix=suffix).read_bytes()
    path = tmp_path / f"half.{suffix}"
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BadMedia):
        look(path)


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


def test_a_video_that_was_cut_off_is_as_long_as_what_is_left(tmp_path: Path) -> None:
    whole = clips.make("whole.mp4", ["-i", str(clips.clip(seconds=4.0)), "-c", "copy", "-movflags", "+faststart"])
    data = whole.read_bytes()
    path = tmp_path / "cut.mp4"
    path.write_bytes(data[: len(data) // 2])
    assert 0 < look(path).seconds < 4


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
    assert probe(path, "video/mp4", run) == look(path)


def test_a_picture_that_unpacks_to_gigabytes_is_refused(run: StepRun, tmp_path: Path) -> None:
    path = tmp_path / "bomb.png"
    path.write_bytes(_png_of(30_000, 30_000))
    assert path.stat().st_size < 1_000
    with pytest.raises(BadMedia, match=r"too large|damaged"):
        probe(path, "image/png", run)


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
        [pid] = eventually(lambda: find("retriever.inspection", os.getpid()))
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


def _png_of(width: int, height: int) -> bytes:
    """A picture of 8 bytes a pixel that says how large it is and then has only its first row."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, 6, 0, 0, 0))
    row = zlib.compress(bytes(1 + width * 8))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", row) + chunk(b"IEND", b"")
