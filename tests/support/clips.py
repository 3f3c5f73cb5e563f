"""Small real clips and pictures, made by ffmpeg when first asked for and kept until the process ends."""

import functools
import subprocess
import tempfile
from pathlib import Path

import imageio_ffmpeg

_FOLDER = tempfile.TemporaryDirectory(prefix="reel-test-clips-")


@functools.cache
def clip(
    width: int = 320,
    height: int = 180,
    *,
    fps: int = 30,
    seconds: float = 2.0,
    rotation: int = 0,
    sound: bool = False,
    suffix: str = "mp4",
    hue: int = 0,
) -> Path:
    """A moving test picture. `rotation` is in the file's metadata only; `hue` makes clips that differ."""
    name = f"{width}x{height}-{fps}-{seconds}-{rotation}-{sound}-{hue}.{suffix}"
    picture = f"testsrc2=size={width}x{height}:rate={fps}:duration={seconds},hue=h={hue},format=yuv420p"
    inputs = ["-f", "lavfi", "-i", picture]
    if sound:
        inputs += ["-f", "lavfi", "-i", f"sine=frequency=440:duration={seconds}"]
    codec = ["-c:v", "libvpx"] if suffix == "webm" else ["-c:v", "libx264", "-preset", "ultrafast"]
    made = _make(name, [*inputs, *codec, "-g", str(fps)])
    if not rotation:
        return made
    return _make(f"turned-{name}", ["-display_rotation", str(rotation), "-i", str(made), "-c", "copy"])


@functools.cache
def picture(width: int = 320, height: int = 180, suffix: str = "jpg") -> Path:
    source = ["-f", "lavfi", "-i", f"testsrc2=size={width}x{height}:duration=1:rate=1", "-frames:v", "1"]
    return _make(f"picture-{width}x{height}.{suffix}", source)


@functools.cache
def tone(suffix: str = "wav", seconds: float = 1.0) -> Path:
    """Sound without a picture."""
    return _make(f"tone-{seconds}.{suffix}", ["-f", "lavfi", "-i", f"sine=frequency=440:duration={seconds}"])


def cut(path: Path, share: float, folder: Path) -> Path:
    """The first part of a file, as a download that broke off leaves it."""
    data = path.read_bytes()
    part = folder / f"cut-{share}-{path.name}"
    part.write_bytes(data[: round(len(data) * share)])
    return part


def make(name: str, arguments: list[str]) -> Path:
    """Whatever else ffmpeg can make; the same name is made once."""
    path = Path(_FOLDER.name) / name
    return path if path.exists() else _make(name, arguments)


def _make(name: str, arguments: list[str]) -> Path:
    path = Path(_FOLDER.name) / name
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-loglevel", "error", "-nostdin", "-y"]
    subprocess.run([*command, *arguments, "-fflags", "+bitexact", str(path)], check=True)
    return path
