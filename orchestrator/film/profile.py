"""Size, quality and bitrate of a film, from its request and the defaults of the server. Pure."""

from dataclasses import dataclass
from typing import NamedTuple

from common.contracts.request import Quality, VideoRequest
from common.contracts.storyboard import Storyboard
from common.contracts.timeline import Profile, SoundProfile

WIDE = "16:9"
"Shape of a film whose request names none."
DRAFT_SIDE = 360
"The shorter side of a draft in pixels."
CRF: dict[Quality, int] = {"draft": 30, "standard": 23, "high": 18}
PRESETS: dict[Quality, str] = {"draft": "ultrafast", "high": "medium"}
"Presets that override the one of the server."
BITRATE: dict[Quality, int] = {"draft": 192_000, "standard": 192_000, "high": 256_000}
"Bits per second of sound; a draft shares the rate of the film itself."


@dataclass(frozen=True)
class OutputDefaults:
    """The server's part of the profile; the request decides the shape."""

    resolution: int = 1080
    "The shorter side in pixels, unless the request names a size."
    preset: str = "veryfast"
    longest_segment: float = 12.0
    "Seconds; a scene that is longer is rendered in parts."

    def size(self, request: VideoRequest) -> tuple[int, int]:
        """Width and height in pixels of the film itself, whatever the size of its draft."""
        if request.size is not None:
            return request.size.width, request.size.height
        wide, high = (int(part) for part in (request.aspect or WIDE).split(":"))
        unit = self.resolution / min(wide, high)
        return _even(wide * unit), _even(high * unit)

    def profile(self, request: VideoRequest, quality: Quality) -> Profile:
        """The format of the picture at a quality."""
        width, height = self.size(request)
        share = min(1.0, DRAFT_SIDE / min(width, height)) if quality == "draft" else 1.0
        return Profile(
            width=_even(width * share),
            height=_even(height * share),
            fps=request.fps,
            crf=CRF[quality],
            preset=PRESETS.get(quality, self.preset),
            draft=quality == "draft",
        )

    def sound(self, request: VideoRequest, quality: Quality) -> SoundProfile:
        return SoundProfile(fps=request.fps, bitrate=BITRATE[quality])


class Profiles(NamedTuple):
    """The formats in which a film is made."""

    picture: Profile
    "Format of the rendered picture."
    full: Profile
    "Format of the film itself: a draft searches for and fetches the same footage."
    sound: SoundProfile


def profiles(defaults: OutputDefaults, request: VideoRequest, story: Storyboard) -> Profiles:
    quality = story.quality or request.rendering
    full = defaults.profile(request, "standard" if quality == "draft" else quality)
    return Profiles(defaults.profile(request, quality), full, defaults.sound(request, quality))


def _even(pixels: float) -> int:
    return 2 * round(pixels / 2)
