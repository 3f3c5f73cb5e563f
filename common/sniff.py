"""The type of a file by its first bytes: names and claimed types are hints from strangers."""

HEAD_BYTES = 4096
"First bytes of a file that `sniff` wants to see."

_STARTS = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"fLaC", "audio/flac"),
    (b"OggS", "audio/ogg"),
    (b"ID3", "audio/mpeg"),
)
_RIFF = {b"WEBP": "image/webp", b"AVI ": "video/x-msvideo", b"WAVE": "audio/wav"}
_BRANDS = {
    b"qt  ": "video/quicktime",
    b"M4A ": "audio/mp4",
    b"M4B ": "audio/mp4",
    b"heic": "image/heic",
    b"heix": "image/heic",
    b"mif1": "image/heic",
    b"avif": "image/avif",
}
# Atoms a QuickTime file may begin with when it has no brand.
_ATOMS = (b"moov", b"mdat", b"wide", b"free", b"skip")
_EBML = b"\x1a\x45\xdf\xa3"

_DEMUXERS = {
    "video/mp4": "mov",
    "video/quicktime": "mov",
    "video/webm": "matroska",
    "video/x-matroska": "matroska",
    "video/x-msvideo": "avi",
    "image/jpeg": "jpeg_pipe",
    "image/png": "png_pipe",
    "image/webp": "webp_pipe",
    "image/gif": "gif",
}

SOUND_DEMUXERS = {
    "audio/mpeg": "mp3",
    "audio/wav": "wav",
    "audio/flac": "flac",
    "audio/ogg": "ogg",
    "audio/mp4": "mov",
    # Sound in a container that usually holds a picture as well.
    "video/mp4": "mov",
    "video/quicktime": "mov",
    "video/webm": "matroska",
    "video/x-matroska": "matroska",
    "video/x-msvideo": "avi",
}


def sniff(head: bytes) -> str | None:
    """The media type of a file that begins with `head`, or None if we do not know it."""
    for start, media_type in _STARTS:
        if head.startswith(start):
            return media_type
    if head[:4] == b"RIFF":
        return _RIFF.get(head[8:12])
    if head[4:8] == b"ftyp":
        return _BRANDS.get(head[8:12], "video/mp4")
    if head[4:8] in _ATOMS:
        return "video/quicktime"
    if head[:4] == _EBML:
        return "video/webm" if b"webm" in head[:64] else "video/x-matroska"
    if head.lstrip()[:15].lower().startswith((b"<!doctype html", b"<html")):
        return "text/html"
    if len(head) > 1 and head[0] == 0xFF and head[1] in (0xF2, 0xF3, 0xFA, 0xFB):
        return "audio/mpeg"
    return None


def demuxer(media_type: str) -> str | None:
    """The ffmpeg input format for pictures and videos of this type; None for any other.

    Naming it keeps a playlist that calls itself a video from being opened as a playlist.
    """
    return _DEMUXERS.get(media_type)


def sound_demuxer(media_type: str) -> str | None:
    """The ffmpeg input format for sound of this type, alone or beside a picture; None for any other."""
    return SOUND_DEMUXERS.get(media_type)
