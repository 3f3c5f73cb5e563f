"""Runs ffmpeg as a child that cannot outlive its step, feeds it frames, and follows its progress."""

import errno
import functools
import json
import logging
import os
import re
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TypeVar

import imageio_ffmpeg

from common import launcher
from common.errors import NotConfigured, RenderFailed, Retryable
from common.walls.environment import ALLOCATION, environment
from common.walls.rules import Walls
from common.worker.steprun import StepRun
from renderer.ffmpeg.limits import Limits

log = logging.getLogger(__name__)

T = TypeVar("T")
Feed = Iterable[bytes]
"Raw frames for an input, in order."

OLDEST = 63
"Major version of libavformat, which is that of ffmpeg 9. Version 7 ends some of our graphs before their first frame."
ASKING_MEMORY, ASKING_SECONDS = 4 * 1024**3, 60
"Bytes of address space, and seconds of processor time, to say which version it is."
LIBRARIES = ("libx264", "libass", "libzimg")
"Libraries that ffmpeg must be built with, as its configuration calls them: for films, captions and enlarging."
LOG_LINES = 4000
"Lines of its log that are kept. Each silence in a film takes two of them, and there may be many."
# Of a line that ffmpeg itself calls an error; what a file says about itself (its title) is only information.
ERROR_LINE = re.compile(r"^(?:\[[^\]]* @ 0x[0-9a-f]+\] |x264 )*\[(?:error|fatal|panic)\]:? (.*)", re.MULTILINE)
SIGNALLED = re.compile(r"^\[info\] Exiting normally, received signal (\d+)", re.MULTILINE)
FULL = {os.strerror(code): code for code in (errno.ENOSPC, errno.EDQUOT, errno.EROFS)}
"Messages of ffmpeg when the scratch disk is full, or was made read-only."
TOO_MUCH = {
    os.strerror(errno.ENOMEM): "memory",
    "malloc of size": "memory",
    os.strerror(errno.EFBIG): "disk space",
}
"Messages of ffmpeg at one of its limits, and the thing there was too little of."


def ffmpeg_program(configured: str = "") -> str:
    """The ffmpeg to run: the configured one, else the one inside the imageio-ffmpeg wheel."""
    try:
        return configured or str(imageio_ffmpeg.get_ffmpeg_exe())
    except RuntimeError:
        raise NotConfigured("ffmpeg was not found; set FFMPEG to its path") from None


@functools.cache
def ffmpeg_build(program: str) -> str:
    """The name of the build, such as `n9.0.2-17-g2a571b6068`: segments are joined only if theirs are equal.

    Raises `NotConfigured` if it cannot be run, is older than `OLDEST`, or was built without one of `LIBRARIES`.
    """
    # Within walls, as it will run: one that cannot do without other programs or files is known from the start.
    asked = launcher.launched([program, "-version"], walls=Walls(ASKING_MEMORY, ASKING_SECONDS))
    try:
        said = subprocess.run(asked, env=environment(Path("/")), capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        raise NotConfigured(f"FFMPEG: {program} cannot be run; name another, or none to use ours") from None
    major = re.search(r"^libavformat +(\d+)", said, re.MULTILINE)
    if major is None or int(major[1]) < OLDEST:
        raise NotConfigured("the ffmpeg that FFMPEG names is older than version 9; name another, or none to use ours")
    if missing := [name for name in LIBRARIES if f"--enable-{name}" not in said.split()]:
        lacks = " and ".join(missing)
        raise NotConfigured(f"the ffmpeg that FFMPEG names lacks {lacks}; name another, or none to use ours")
    return said.removeprefix("ffmpeg version ").split(" ")[0]


def run_ffmpeg(
    program: str,
    arguments: Sequence[str],
    run: StepRun,
    limits: Limits,
    *,
    frames: int = 0,
    progress: tuple[float, float] = (0.0, 1.0),
    feeds: Sequence[Feed] = (),
) -> str:
    """Runs ffmpeg to its end and returns its log.

    An argument `feed:N` becomes the address of the pipe that `feeds[N]` is written to. `frames` is how
    many the output will have; with it, `progress` is the span of the step's progress this run covers.
    Raises `Stopped` if the step is called off meanwhile, `RenderFailed` if ffmpeg gives up or wants more than
    `limits`, `Retryable` if somebody killed it, `OSError` (ENOSPC, EDQUOT, EROFS) if the scratch disk takes
    no more, and what a feed raises.
    """
    run.check()
    with ExitStack() as stack:
        pipes = [os.pipe() for _ in feeds]
        command = _command(program, arguments, pipes)
        log.debug("runs %s", json.dumps(command))
        process = _spawn(command, run, limits, pipes)
        stack.callback(_reap, process)
        stack.callback(run.adopt(process))
        feeders = [_Feeder(feed, write_end, process) for feed, (_, write_end) in zip(feeds, pipes, strict=True)]
        drain = _Drain(process)
        _follow(process, run, frames, progress)
        code = process.wait()
        for feeder in feeders:
            feeder.join()
        text = drain.text()
    run.check()
    for feeder in feeders:
        if feeder.error is not None:
            raise feeder.error
    if code != 0:
        raise _failure(code, text)
    return text


def _command(program: str, arguments: Sequence[str], pipes: Sequence[tuple[int, int]]) -> list[str]:
    """The whole command line, with the address of a pipe in place of each `feed:N`."""
    addresses = {f"feed:{index}": f"pipe:{read_end}" for index, (read_end, _) in enumerate(pipes)}
    reporting = ["-loglevel", "level+info", "-nostats", "-stats_period", "0.25", "-progress", "pipe:1"]
    return [
        *(program, "-hide_banner", "-nostdin", "-y", *reporting),
        *(addresses.get(argument, argument) for argument in arguments),
    ]


def _spawn(command: list[str], run: StepRun, limits: Limits, pipes: Sequence[tuple[int, int]]) -> subprocess.Popen[str]:
    """Starts ffmpeg with the read ends of the pipes and closes them; if it cannot be started, the others as well."""
    read_ends = [read_end for read_end, _ in pipes]
    walls = Walls(limits.memory, limits.seconds, limits.file, write=[run.workdir], devices=limits.devices)
    try:
        return subprocess.Popen(
            # The encoder asks for huge pages, and 7 MB of them lie idle; it is not slower without.
            launcher.launched(command, small_pages=True, walls=walls),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            cwd=run.workdir,
            env=environment(run.workdir, **ALLOCATION),
            pass_fds=read_ends,
            start_new_session=True,
        )
    except OSError:
        for _, write_end in pipes:
            os.close(write_end)
        raise
    finally:
        for end in read_ends:
            os.close(end)


def _reap(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait()
    for stream in (process.stdout, process.stderr):
        if stream is not None:
            stream.close()


def _follow(process: subprocess.Popen[str], run: StepRun, frames: int, span: tuple[float, float]) -> None:
    """Reads `frame=N` lines until ffmpeg closes its output."""
    assert process.stdout is not None
    low, high = span
    for line in process.stdout:
        key, _, value = line.strip().partition("=")
        if key == "frame" and frames and value.isdigit():
            run.progress(low + (high - low) * min(1.0, int(value) / frames))


class _Drain(threading.Thread):
    """Keeps the last lines of ffmpeg's log, so that a full pipe never blocks it."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        super().__init__(daemon=True)
        assert process.stderr is not None
        self._stream = process.stderr
        self._lines: deque[str] = deque(maxlen=LOG_LINES)
        self.start()

    def run(self) -> None:
        for line in self._stream:
            self._lines.append(line.rstrip())

    def text(self) -> str:
        self.join()
        return "\n".join(self._lines)


class _Feeder(threading.Thread):
    """Writes one feed into its pipe. An error in the feed ends ffmpeg and is kept for the caller."""

    def __init__(self, feed: Feed, write_end: int, process: subprocess.Popen[str]) -> None:
        super().__init__(daemon=True)
        self._feed, self._write_end, self._process = feed, write_end, process
        self.error: Exception | None = None
        self.start()

    def run(self) -> None:
        try:
            with open(self._write_end, "wb", buffering=0) as pipe:
                for frame in self._feed:
                    _write_all(pipe.fileno(), frame)
        except BrokenPipeError:
            pass  # ffmpeg has all the frames it wants, or is gone
        except Exception as error:
            self.error = error
            self._process.kill()


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _failure(code: int, text: str) -> Exception:
    """The error that the end of a run means for its step, if the step was not called off."""
    errors = ERROR_LINE.findall(text)
    if full := _first(FULL, errors):
        return OSError(full, os.strerror(full))
    sign = _signal(code, text)
    scarce = "processor time" if sign == signal.SIGXCPU else _first(TOO_MUCH, errors)
    if scarce:
        return RenderFailed(f"ffmpeg wanted more {scarce} than work of this size can need", text)
    if sign:
        log.warning("ffmpeg was ended by signal %d; its last lines: %s", sign, text[-2000:])
        return Retryable(f"ffmpeg was ended by {signal.Signals(sign).name}")
    last = (errors or text.splitlines() or ["no message"])[-1].strip()
    return RenderFailed(f"ffmpeg ended with code {code}: {last}", text)


def _signal(code: int, text: str) -> int:
    """The signal that ended the process, 0 if none did. ffmpeg catches some, logs them, and exits by itself."""
    caught = SIGNALLED.findall(text)
    return -code if code < 0 else int(caught[-1]) if caught else 0


def _first(meanings: Mapping[str, T], errors: Sequence[str]) -> T | None:
    return next((meaning for words, meaning in meanings.items() if any(words in line for line in errors)), None)
