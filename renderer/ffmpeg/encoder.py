"""H.264 encoders and their options. Pure; `renderer.ffmpeg.detect` checks which of them this machine has.

All segments of a film come from one encoder with one set of options: else they could not be joined.
"""

from collections.abc import Callable
from typing import NamedTuple

from common.contracts.timeline import Profile
from common.settings.values import PRESETS
from renderer.ffmpeg.formats import Options, Stream

DRIVER_MEMORY = 512 * 1024**3
"Bytes of address space that drivers reserve for the memory of the card, and hardly use."
NVIDIA = (
    *("/dev/nvidiactl", "/dev/nvidia-uvm", "/dev/nvidia-uvm-tools", "/dev/nvidia-caps", "/dev/nvidia-modeset"),
    *(f"/dev/nvidia{number}" for number in range(8)),
    *("/proc/driver/nvidia", "/proc/devices", "/proc/modules", "/sys/devices", "/sys/bus/pci", "/sys/module"),
)
RENDER_NODES = ("/dev/dri", "/sys/devices", "/sys/bus/pci", "/sys/class/drm", "/sys/dev/char")
"Files of a card that its drivers use."


class Encoder(NamedTuple):
    """An encoder, its options, and the form of the pictures it takes."""

    name: str
    "As FFMPEG_ENCODER and ffmpeg call it."
    quality: Callable[[Profile], Options]
    "Options that mean the same as `crf` and `preset` of x264, as nearly as possible."
    device: Options = {}  # noqa: RUF012 - never changed
    "Options for ffmpeg as a whole."
    pixel_format: str = "yuv420p"
    "Of the pictures it takes."
    uploads: bool = False
    "True if it takes pictures in the card's memory only."
    address_space: int = 0
    "Bytes its drivers need beside what x264 would."
    devices: tuple[str, ...] = ()
    "Files and folders that its drivers use."

    def upload(self, picture: Stream) -> Stream:
        """Brings 8-bit yuv420p into the form, and if need be the memory, that the encoder takes."""
        return picture.filter("format", self.pixel_format).filter("hwupload") if self.uploads else picture

    def options(self, profile: Profile) -> Options:
        """Options for the video stream of an output."""
        return {
            "c:v": self.name,
            **self.quality(profile),
            # Closed groups of pictures: whatever stands before a segment, it can be decoded from its start.
            "g": 2 * profile.fps,
            "flags:v": "+cgop+bitexact",
            **({} if self.uploads else {"pix_fmt": self.pixel_format}),
        }


def _x264(profile: Profile) -> Options:
    return {"profile:v": "high", "preset": profile.preset, "crf": profile.crf}


def _nvenc(profile: Profile) -> Options:
    rate = {"rc": "vbr", "cq": profile.crf, "b:v": 0}
    return {"profile:v": "high", "preset": f"p{_step(profile.preset, 1, 7)}", **rate, "strict_gop": 1}


def _vaapi(profile: Profile) -> Options:
    speed = {"compression_level": _step(profile.preset, 7, 1)}
    return {"profile:v": "high", "rc_mode": "CQP", "qp": profile.crf, **speed}


def _qsv(profile: Profile) -> Options:
    known = {"ultrafast": "veryfast", "superfast": "veryfast"}
    preset = known.get(profile.preset, profile.preset)
    return {"profile:v": "high", "preset": preset, "global_quality": profile.crf}


def _step(preset: str, quickest: int, slowest: int) -> int:
    """The equivalent of a preset of x264 on the scale of another encoder, which has fewer steps."""
    place = PRESETS.index(preset) if preset in PRESETS else len(PRESETS) - 1
    return quickest + round((slowest - quickest) * place / (len(PRESETS) - 1))


SOFTWARE = Encoder("libx264", _x264)
HARDWARE = (
    Encoder("h264_nvenc", _nvenc, address_space=DRIVER_MEMORY, devices=NVIDIA),
    Encoder(
        "h264_vaapi",
        _vaapi,
        device={"init_hw_device": "vaapi=card", "filter_hw_device": "card"},
        pixel_format="nv12",
        uploads=True,
        address_space=DRIVER_MEMORY,
        devices=RENDER_NODES,
    ),
    Encoder("h264_qsv", _qsv, pixel_format="nv12", address_space=DRIVER_MEMORY, devices=RENDER_NODES),
)
ENCODERS = {encoder.name: encoder for encoder in (SOFTWARE, *HARDWARE)}
