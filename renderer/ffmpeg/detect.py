"""Checks that the requested encoder works on this machine, before any film depends on it."""

import functools
import logging
import subprocess
import tempfile
from pathlib import Path

import av
import av.error
import ffmpeg

from common import launcher
from common.contracts.timeline import Profile
from common.walls.environment import environment
from common.walls.rules import Walls
from renderer.ffmpeg.encoder import ENCODERS, SOFTWARE, Encoder
from renderer.ffmpeg.limits import for_picture
from renderer.ffmpeg.run import ffmpeg_build

log = logging.getLogger(__name__)

FRAMES = 10
TRIAL = Profile(width=640, height=360)
"Large enough for every card."
SECONDS = 60
"A driver that has not answered by then never will."


@functools.cache
def working_encoder(program: str, wanted: str) -> Encoder:
    """The encoder of this name, or x264 if it does not work here. `auto` is x264: it makes the best pictures."""
    encoder = ENCODERS.get(wanted, SOFTWARE)
    if encoder is SOFTWARE:
        return SOFTWARE
    if problem := _problem(program, encoder):
        log.warning("%s does not work on this machine (%s); films are encoded with %s", wanted, problem, SOFTWARE.name)
        return SOFTWARE
    log.info("films are encoded with %s", encoder.name)
    return encoder


def build_name(program: str, encoder: Encoder) -> str:
    """The build of ffmpeg and the encoder in one name: segments can be joined only if theirs are equal."""
    build = ffmpeg_build(program)
    return build if encoder is SOFTWARE else f"{build}+{encoder.name}"


def _problem(program: str, encoder: Encoder) -> str:
    """The reason why a few frames could not be encoded; empty if they could."""
    with tempfile.TemporaryDirectory(prefix="reel-encoder-") as folder:
        limits = for_picture(TRIAL, FRAMES, 1, encoder)
        walls = Walls(limits.memory, limits.seconds, limits.file, write=[folder], devices=limits.devices)
        command = [program, "-hide_banner", "-nostdin", "-y", "-loglevel", "error", *_trial(encoder)]
        try:
            done = subprocess.run(
                # As it will run in films: within their walls a driver must work, too.
                launcher.launched(command, walls=walls),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=SECONDS,
                cwd=folder,
                env=environment(Path(folder)),
            )
        except subprocess.TimeoutExpired:
            return f"no answer within {SECONDS} s"
        if done.returncode:
            return (done.stderr.strip().splitlines() or [f"ffmpeg ended with code {done.returncode}"])[0]
        frames = _frames(Path(folder, "trial.mp4"))
        return "" if frames == FRAMES else f"{frames} frames came of {FRAMES}"


def _trial(encoder: Encoder) -> list[str]:
    moving = ffmpeg.input(f"testsrc2=size={TRIAL.width}x{TRIAL.height}:rate={TRIAL.fps}", f="lavfi")
    picture = encoder.upload(moving.video.filter("format", "yuv420p"))
    options = {**encoder.device, "frames:v": FRAMES, **encoder.options(TRIAL)}
    return list(ffmpeg.output(picture, "trial.mp4", **options).get_args())


def _frames(path: Path) -> int:
    """The number of frames that can be decoded."""
    try:
        with av.open(str(path)) as container:
            return sum(1 for _ in container.decode(video=0))
    except (av.error.FFmpegError, IndexError):
        return 0
