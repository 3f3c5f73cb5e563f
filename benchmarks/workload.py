"""The film for measuring rendering: eight narrated scenes over clips like those of cameras, and music.

Everything is made here, with the project's own painters and composer, once; later runs find it in the data folder. The
clips are moving paintings with a fine texture over them, filmed again by a hand-held camera: it pans, zooms and shakes,
each clip has colours of its own, and the sensor is noisy. Decoders and encoders work on texture, motion and noise; the
subject matters little.
"""

import math
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from benchmarks.report import NotMeasured, Say
from common.contracts.base import fingerprint
from common.contracts.footage import SceneryRecipe, Theme
from renderer import scenery
from renderer.ffmpeg.run import ffmpeg_build
from renderer.sound.music import compose

RECIPE = 1
"Raise it when the same description would now give different files."
GOP = 120
MUSIC_SECONDS, MUSIC_RATE, MUSIC_BITRATE = 90, 44_100, 192_000
ZOOM, PAN, SHAKE = 1.16, 0.04, 0.006
"Least closeness of the camera, and the range of its moves and its shaking, in shares of the frame."
NOISE = 5
CHUNK = 1 << 20


class Take(NamedTuple):
    """One clip: its theme, its frame rate and its colours."""

    theme: Theme
    rate: Fraction
    colours: str
    "Options of ffmpeg's filter `eq`."


NTSC = Fraction(1000, 1001)
TAKES = (
    Take("ocean", Fraction(25), "contrast=1.05:saturation=1.1"),
    Take("forest", Fraction(30), "brightness=-0.06:saturation=0.9"),
    Take("city", Fraction(30), "contrast=1.12:gamma_r=1.06:gamma_b=0.95"),
    Take("meadow", 30 * NTSC, "saturation=1.25:gamma=1.05"),
    Take("mountains", 24 * NTSC, "contrast=0.92:gamma_b=1.06"),
    Take("underwater", Fraction(60), "saturation=1.1:gamma_g=1.04"),
    Take("desert", Fraction(25), "brightness=0.05:gamma_r=1.04"),
    Take("night", Fraction(24), "contrast=1.08:gamma=1.15"),
    Take("rain", Fraction(30), "saturation=0.85"),
)
"One for each scene, and one more to replace another."
NARRATIONS = (
    "Before the harbour wakes, the sea is already at work, folding silver into blue along the shore.",
    "A path leads inland, under old trees that lean together, and every step on it sounds softer.",
    "By eight the city has found its voice: trams, footsteps, and somebody laughing upstairs.",
    "Out in the meadows nothing hurries. The wind combs the grass one way, then back again.",
    "All morning the mountains keep their distance, then a cloud lifts and they are suddenly near.",
    "Below the surface the light comes in ribbons, and slow shadows cross the sand without touching it.",
    "Further south the land turns to dust and gold, with a horizon that trembles in the heat.",
    "And when the day is done the stars come out, one by one, as if somebody had asked them in.",
)
OTHER_WORDS = "Out in the meadows nobody hurries. The wind combs the grass, thinks again, and combs it back."
"Words of the fourth scene once it was changed."


@dataclass(frozen=True)
class Workload:
    """The number of scenes and the size of the film. The first clips belong to the scenes, the last one is a spare."""

    scenes: int = len(NARRATIONS)
    width: int = 1920
    height: int = 1080
    seconds: int = 10
    "Length of each clip."
    bitrate: int = 8_000_000
    words: int = 100
    "Most words of each narration."

    @property
    def narrations(self) -> tuple[str, ...]:
        return tuple(map(self.cut, NARRATIONS[: self.scenes]))

    @property
    def takes(self) -> tuple[Take, ...]:
        return (*TAKES[: self.scenes], TAKES[-1])

    def cut(self, text: str) -> str:
        return " ".join(text.split()[: self.words])


STYLE = "documentary"
"A style that leaves the canvas whole and lays nothing over it, so that a command can express it."


class Media(NamedTuple):
    """The files of a workload."""

    clips: tuple[Path, ...]
    "One for each scene."
    spare: Path
    music: Path


def media(workload: Workload, folder: Path, program: str, say: Say) -> Media:
    """The files of the workload, made if they are not in `folder` yet."""
    name = fingerprint(RECIPE, replace(workload, words=0).__dict__, ffmpeg_build(program))
    home = folder / f"footage-{name[:12]}"
    if not home.exists():
        _make(workload, home, program, say)
    clips = [home / f"clip{number}.mp4" for number in range(workload.scenes + 1)]
    return Media(tuple(clips[:-1]), clips[-1], home / "music.mp3")


def _make(workload: Workload, home: Path, program: str, say: Say) -> None:
    """All or nothing: the folder gets its name when everything is in it."""
    home.parent.mkdir(parents=True, exist_ok=True)
    making = Path(tempfile.mkdtemp(prefix="making-", dir=home.parent))
    try:
        texture = making / "texture.png"
        _texture(workload.width, workload.height).save(texture)
        for number, take in enumerate(workload.takes):
            say(f"making footage: {take.theme} ({number + 1} of {workload.scenes + 1}) ...")
            _film(program, workload, take, number, texture, making / f"clip{number}.mp4")
        say("making music ...")
        _play(program, making / "music.mp3")
        making.rename(home)
    except BaseException:
        shutil.rmtree(making, ignore_errors=True)
        raise


def order(workload: Workload, clips: Sequence[str], music: str, shape: str, transition: str) -> dict[str, Any]:
    """The body of a request for the film; `clips` and `music` are assets."""
    scenes = zip(workload.narrations, clips, strict=True)
    return {
        "scenes": [{"narration": text, "media": {"asset": asset}} for text, asset in scenes],
        "aspect": shape,
        "style": STYLE,
        "fps": 30,
        "captions": "burn",
        "footage": {"fit": "cover"},
        "music": music,
        "transition": {"kind": transition, "seconds": 0.5},
    }


# clips


def _film(program: str, workload: Workload, take: Take, number: int, texture: Path, path: Path) -> None:
    width, height = workload.width, workload.height
    frames, rate = math.ceil(workload.seconds * take.rate), f"{take.rate.numerator}/{take.rate.denominator}"
    recipe = SceneryRecipe(theme=take.theme, light="day", seed=number)
    small = scenery.scenery_size(width, height)
    command = [
        program, "-hide_banner", "-nostdin", "-y", "-loglevel", "error",
        "-f", "rawvideo", "-pix_fmt", scenery.PIXEL_FORMAT, "-s", f"{small[0]}x{small[1]}", "-r", rate, "-i", "pipe:0",
        "-i", str(texture), "-filter_complex", _camera(workload, take, number),
        "-map", "[v]", "-frames:v", str(frames), "-r", rate,
        "-c:v", "libx264", "-profile:v", "high", "-preset", "veryfast", "-g", str(GOP),
        "-b:v", str(workload.bitrate), "-maxrate", str(2 * workload.bitrate), "-bufsize", str(2 * workload.bitrate),
        "-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv",
        "-movflags", "+faststart", str(path),
    ]  # fmt: skip
    _feed(command, scenery.paint(recipe, width, height, round(take.rate), 0, frames))


def _camera(workload: Workload, take: Take, number: int) -> str:
    """The graph that films the painting anew."""
    width, height = workload.width, workload.height
    rate = float(take.rate)
    seconds = f"(on/{rate:.6f})"
    zoom = f"({ZOOM}+0.03*sin(0.5*{seconds}+{number}))"
    # Two slow swings and one fast one, in no simple ratio to each other, look like a hand.
    right, down = (
        f"({PAN}*sin({0.35 + 0.05 * turn:.2f}*{seconds}+{number + turn})"
        f"+{SHAKE}*sin({5.3 + turn:.1f}*{seconds})+{SHAKE / 2}*sin({13.7 - turn:.1f}*{seconds}))"
        for turn in (0, 1)
    )
    left, top = f"W*(0.5+{right}-0.5/{zoom})", f"H*(0.5+{down}-0.5/{zoom})"
    corners = {
        "x0": left, "y0": top, "x1": f"{left}+W/{zoom}", "y1": top,
        "x2": left, "y2": f"{top}+H/{zoom}", "x3": f"{left}+W/{zoom}", "y3": f"{top}+H/{zoom}",
    }  # fmt: skip
    view = ":".join(f"{name}='{place}'" for name, place in corners.items())
    scale = f"scale={width}:{height}:flags=bicubic:out_color_matrix=bt709:out_range=tv,format=yuv420p"
    return (
        f"[0:v]{scale}[painting];"
        f"[1:v]{scale},loop=loop=-1:size=1,settb=AVTB,setpts=N/({rate:.6f}*TB)[texture];"
        "[painting][texture]blend=c0_mode=overlay:c0_opacity=0.22:shortest=1,"
        f"perspective={view}:eval=frame,eq={take.colours},unsharp=5:5:0.5,"
        f"noise=alls={NOISE}:allf=t:all_seed={number + 1},setsar=1,format=yuv420p[v]"
    )


def _texture(width: int, height: int) -> Image.Image:
    """Grey noise that is as rough from near as from afar, like stone, bark and leaves."""
    chance = np.random.default_rng(1)
    total = np.zeros((height, width), np.float32)
    for octave in range(5):
        size = max(2, width >> octave), max(2, height >> octave)
        rough = Image.fromarray(chance.standard_normal((size[1], size[0])).astype(np.float32))
        total += np.asarray(rough.resize((width, height), Image.Resampling.BICUBIC))
    return Image.fromarray(np.clip(128 + 40 * total / total.std(), 0, 255).astype(np.uint8))


# sound


def _play(program: str, path: Path) -> None:
    sound = compose("calm", 1, MUSIC_SECONDS).astype("<f4").tobytes()
    command = [
        program, "-hide_banner", "-nostdin", "-y", "-loglevel", "error",
        "-f", "f32le", "-ar", "48000", "-ac", "2", "-i", "pipe:0",
        "-ar", str(MUSIC_RATE), "-c:a", "libmp3lame", "-b:a", str(MUSIC_BITRATE), str(path),
    ]  # fmt: skip
    _feed(command, (sound[start : start + CHUNK] for start in range(0, len(sound), CHUNK)))


def _feed(command: Sequence[str], data: Iterator[bytes]) -> None:
    process = subprocess.Popen(command, stdin=subprocess.PIPE)
    assert process.stdin is not None
    try:
        with process.stdin as pipe:
            for block in data:
                pipe.write(block)
    except BaseException:
        process.kill()
        process.wait()
        raise
    if process.wait():
        raise NotMeasured(f"ffmpeg ended with code {process.returncode}; what it said is above")
