import pytest

from common.sniff import demuxer, sniff
from tests.support import clips


@pytest.mark.parametrize(
    ("suffix", "media_type"),
    [
        ("mp4", "video/mp4"),
        ("mov", "video/quicktime"),
        ("webm", "video/webm"),
        ("mkv", "video/x-matroska"),
        ("avi", "video/x-msvideo"),
    ],
)
def test_a_video_is_known_by_its_first_bytes(suffix: str, media_type: str) -> None:
    assert sniff(clips.clip(suffix=suffix).read_bytes()[:4096]) == media_type
    assert demuxer(media_type)


@pytest.mark.parametrize(
    ("suffix", "media_type"),
    [("jpg", "image/jpeg"), ("png", "image/png"), ("webp", "image/webp"), ("gif", "image/gif")],
)
def test_a_picture_is_known_by_its_first_bytes(suffix: str, media_type: str) -> None:
    assert sniff(clips.picture(suffix=suffix).read_bytes()[:4096]) == media_type
    assert demuxer(media_type)


@pytest.mark.parametrize(
    ("suffix", "media_type"),
    [
        ("mp3", "audio/mpeg"),
        ("wav", "audio/wav"),
        ("m4a", "audio/mp4"),
        ("ogg", "audio/ogg"),
        ("flac", "audio/flac"),
    ],
)
def test_sound_is_known_and_is_no_footage(suffix: str, media_type: str) -> None:
    assert sniff(clips.tone(suffix).read_bytes()[:4096]) == media_type
    assert demuxer(media_type) is None


@pytest.mark.parametrize(
    ("head", "media_type"),
    [
        (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00", "image/heic"),
        (b"\x00\x00\x00\x1cftypavif\x00\x00\x00\x00", "image/avif"),
        (b"\x00\x00\x00\x08wide\x00\x00\x00\x00mdat", "video/quicktime"),
        (b"\xff\xfb\x90\x00", "audio/mpeg"),
        (b"\r\n <!DOCTYPE html><html>", "text/html"),
        (b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", None),
        (b"ffconcat version 1.0\nfile secret.mp4\n", None),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", None),
        (b"RIFF\x00\x00\x00\x00ACON", None),
        (b"", None),
        (b"\xff", None),
        (b"\x00" * 64, None),
    ],
)
def test_other_beginnings(head: bytes, media_type: str | None) -> None:
    assert sniff(head) == media_type
