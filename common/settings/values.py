"""Kinds of values of settings. Each says in words what it accepts; the words end up in errors and in the documents."""

import re
from collections.abc import Callable, Sequence
from ipaddress import ip_network
from typing import Annotated, NamedTuple
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, BeforeValidator, Field

ENCODERS = ("auto", "libx264", "h264_nvenc", "h264_vaapi", "h264_qsv")
"Possible values of FFMPEG_ENCODER."
LOG_FORMATS = ("text", "json")
"Possible values of LOG_FORMAT."
PRESETS = ("ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow")
"Possible values of FFMPEG_PRESET: x264's, the quickest first."
VOICE_QUALITIES = ("fast", "best")
"Possible values of VOICE_QUALITY."
DEVICES = ("auto", "cpu", "cuda")
"Possible values of WHISPER_DEVICE."
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
MOST = 1_000_000_000
"Of anything that is counted: more would not fit where other programs keep it."
MOST_SLOTS = 1024
MOST_LINK_SECONDS = 7 * 24 * 3600
"A signed link of S3 works no longer than a week."
PORTS = range(1, 65_536)


class Accepts(NamedTuple):
    """What a value must be, in words that follow `must be`, and its unit."""

    words: str
    unit: str = ""


def _one_of(choices: Sequence[str]) -> Callable[[str], str]:
    def check(text: str) -> str:
        if text not in choices:
            raise ValueError
        return text

    return check


def _matches(pattern: str) -> Callable[[str], str]:
    def check(text: str) -> str:
        if re.fullmatch(pattern, text) is None:
            raise ValueError
        return text

    return check


def _upper(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


def shorter_side(value: object) -> object:
    """`1080` of `1920x1080`, of `1080p` and of `1080`."""
    if not isinstance(value, str):
        return value
    sides = re.fullmatch(r"\s*(\d+)\s*[xX×]\s*(\d+)\s*", value)
    return min(int(sides[1]), int(sides[2])) if sides else value.strip().removesuffix("p")


def _address(text: str, schemes: Sequence[str]) -> SplitResult:
    """The parts of an address with a host. Raises `ValueError`."""
    parts = urlsplit(text)
    if parts.scheme not in schemes or not parts.hostname or re.search(r"\s", text):
        raise ValueError
    if parts.port is not None and parts.port not in PORTS:
        raise ValueError
    return parts


def _redis(text: str) -> str:
    parts = _address(text, ("redis", "rediss"))
    if re.fullmatch(r"/?\d*", parts.path) is None or parts.fragment:
        raise ValueError
    return text


def _endpoint(text: str) -> str:
    parts = _address(text, ("http", "https"))
    if parts.path not in ("", "/") or parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError
    return text


def _base_url(text: str) -> str:
    parts = _address(text, ("http", "https"))
    if parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError
    return text


def _networks(text: str) -> str:
    for part in text.split(","):
        if part.strip():
            ip_network(part.strip())
    return text


def _list(choices: Sequence[str]) -> str:
    return f"one of {', '.join(choices)}"


# numbers
Port = Annotated[int, Field(ge=1, le=65_535), Accepts("a whole number from 1 to 65535")]
PortOrNone = Annotated[int, Field(ge=0, le=65_535), Accepts("a whole number from 0 to 65535")]
Count = Annotated[int, Field(ge=1, le=MOST), Accepts("a whole number, at least 1")]
Limit = Annotated[int, Field(ge=0, le=MOST), Accepts("a whole number, at least 0")]
Slots = Annotated[int, Field(ge=0, le=MOST_SLOTS), Accepts(f"a whole number from 0 to {MOST_SLOTS}")]
Threads = Annotated[int, Field(ge=1, le=MOST_SLOTS), Accepts(f"a whole number from 1 to {MOST_SLOTS}")]
Megabytes = Annotated[int, Field(ge=1, le=2**20), Accepts("a whole number from 1 to 1048576", "MiB")]
Seconds = Annotated[
    float,
    Field(gt=0, le=MOST, allow_inf_nan=False),
    Accepts("a number of seconds above 0, at most a billion", "seconds"),
]
SecondsOrNone = Annotated[
    float, Field(ge=0, le=MOST, allow_inf_nan=False), Accepts("a number of seconds from 0 to a billion", "seconds")
]
SegmentSeconds = Annotated[
    float, Field(ge=1, le=MOST, allow_inf_nan=False), Accepts("a number of seconds from 1 to a billion", "seconds")
]
LinkSeconds = Annotated[
    int,
    Field(ge=1, le=MOST_LINK_SECONDS),
    Accepts(f"a whole number of seconds from 1 to {MOST_LINK_SECONDS}, which is a week", "seconds"),
]
Resolution = Annotated[
    int,
    BeforeValidator(shorter_side),
    Field(ge=90, le=2160, multiple_of=2),
    Accepts("1080, 1080p or 1920x1080, whose shorter side is an even number from 90 to 2160", "pixels"),
]
Flag = Annotated[bool, Accepts("true or false")]

# words
Level = Annotated[str, BeforeValidator(_upper), AfterValidator(_one_of(LEVELS)), Accepts(_list(LEVELS))]
Preset = Annotated[str, AfterValidator(_one_of(PRESETS)), Accepts(_list(PRESETS))]
Encoder = Annotated[str, AfterValidator(_one_of(ENCODERS)), Accepts(_list(ENCODERS))]
LogFormat = Annotated[str, AfterValidator(_one_of(LOG_FORMATS)), Accepts(_list(LOG_FORMATS))]
VoiceQuality = Annotated[str, AfterValidator(_one_of(VOICE_QUALITIES)), Accepts(_list(VOICE_QUALITIES))]
Device = Annotated[str, AfterValidator(_one_of(DEVICES)), Accepts(_list(DEVICES))]
Text = Annotated[str, Accepts("a text")]
Names = Annotated[str, Accepts("names, separated by commas")]
Secret = Annotated[str, AfterValidator(_matches(r"\S+")), Accepts("a text without spaces and line breaks")]
Name = Annotated[str, AfterValidator(_matches(r"[\w.:/@+-]+")), Accepts("a name without spaces")]
Region = Annotated[str, AfterValidator(_matches(r"[\w-]+")), Accepts("a name such as us-east-1")]
Bucket = Annotated[
    str,
    AfterValidator(_matches(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")),
    Accepts("a name of 3 to 63 small letters, digits, dots and hyphens"),
]

# places
Folder = Annotated[str, Accepts("a folder")]
File = Annotated[str, Accepts("the path of a file")]
FileOrFolder = Annotated[str, Accepts("a file or a folder")]
Program = Annotated[str, Accepts("the path of a program")]
Host = Annotated[
    str, AfterValidator(_matches(r"[0-9A-Za-z_.:%-]+")), Accepts("an address or the name of a host, without a port")
]
RedisUrl = Annotated[str, AfterValidator(_redis), Accepts("an address such as redis://:password@host:6379/0")]
Endpoint = Annotated[
    str, AfterValidator(_endpoint), Accepts("the http or https address of a server without a path: http://host:9000")
]
BaseUrl = Annotated[str, AfterValidator(_base_url), Accepts("an http or https address: https://host/path")]
Prefix = Annotated[str, AfterValidator(_matches(r"/\S*")), Accepts("a path that begins with /")]
Networks = Annotated[
    str, AfterValidator(_networks), Accepts("networks such as 10.1.0.0/16 or fd00::/8, separated by commas")
]
