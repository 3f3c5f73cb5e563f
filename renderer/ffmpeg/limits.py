"""Limits for one run of ffmpeg: several times what its work needs, so only a decompression bomb meets them. Pure."""

from typing import NamedTuple

from common.contracts.grid import SAMPLE_RATE
from common.contracts.timeline import Profile
from renderer.ffmpeg.encoder import SOFTWARE, Encoder

MEGABYTE = 1024**2
BASE_MEMORY = 3072 * MEGABYTE
"Address space of code, threads and heaps; four times what a small scene takes, and little of it is ever used."
MEMORY_PER_INPUT = 512 * MEGABYTE
"A decoder and its frames: the largest still we take has 400 MB of pixels, a clip needs 100 MB."
MEMORY_PER_PIXEL = 600
"Bytes for each pixel of the canvas: frames held by filters and encoder. The slowest preset holds 350."
BASE_FILE = 64 * MEGABYTE
BASE_SECONDS = 600
SECONDS_PER_PIXEL = 5e-6
"For each pixel of each frame. The slowest preset takes a thirtieth of it."


class Limits(NamedTuple):
    memory: int
    "Bytes of address space."
    file: int
    "Bytes of any one file it writes."
    seconds: int
    "Of processor time."
    devices: tuple[str, ...] = ()
    "Files and folders of a card that it may use."


def for_picture(profile: Profile, frames: int, inputs: int, encoder: Encoder = SOFTWARE) -> Limits:
    """Limits for drawing and encoding this number of frames."""
    pixels = profile.width * profile.height
    return Limits(
        memory=BASE_MEMORY + inputs * MEMORY_PER_INPUT + pixels * MEMORY_PER_PIXEL + encoder.address_space,
        # Not even what cannot be compressed at all is larger than the bare pixels (12 bits each).
        file=BASE_FILE + frames * pixels * 3 // 2,
        seconds=BASE_SECONDS + int(frames * pixels * SECONDS_PER_PIXEL),
        devices=encoder.devices,
    )


def for_sound(samples: int) -> Limits:
    """Limits for a pass over this number of stereo samples, which may be written with 32 bits."""
    return Limits(
        memory=BASE_MEMORY,
        file=BASE_FILE + samples * 8,
        seconds=BASE_SECONDS + samples // SAMPLE_RATE,
    )
