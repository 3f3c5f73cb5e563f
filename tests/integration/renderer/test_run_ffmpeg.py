"""How a run of ffmpeg can end, each end brought about for real."""

import errno
import os
import resource
import shutil
import signal
import threading
from pathlib import Path
from typing import Any

import pytest

from common.errors import RenderFailed, Retryable, StepError, Stopped
from common.worker.steprun import StepRun
from renderer.ffmpeg.limits import MEGABYTE, Limits
from renderer.ffmpeg.run import run_ffmpeg
from tests.support import clips
from tests.support.processes import find
from tests.support.scenes import PROGRAM
from tests.support.steprun import step_run
from tests.support.waiting import eventually

ENOUGH = Limits(memory=4096 * MEGABYTE, file=64 * MEGABYTE, seconds=600)
ENDLESS = ["-f", "lavfi", "-i", "testsrc2=s=320x180:r=30"]
NOISE = ["-f", "lavfi", "-i", "testsrc2=s=1280x720:r=30:d=2", "-c:v", "rawvideo"]


@pytest.fixture
def run(tmp_path: Path) -> StepRun:
    return step_run(tmp_path)


def ffmpeg(run: StepRun, *arguments: str, **limits: Any) -> str:
    return run_ffmpeg(PROGRAM, arguments, run, ENOUGH._replace(**limits))


def ours(run: StepRun) -> list[int]:
    """The ffmpeg that works in the folder of this run."""
    return [pid for pid in find("ffmpeg", os.getpid()) if Path(f"/proc/{pid}/cwd").resolve() == run.workdir.resolve()]


def test_a_full_disk_is_the_disks_fault(run: StepRun):
    with pytest.raises(OSError) as caught:
        ffmpeg(run, *NOISE, "-f", "nut", "/dev/full", devices=("/dev/full",))
    assert type(caught.value) is OSError
    assert caught.value.errno == errno.ENOSPC


def test_a_file_that_calls_itself_a_full_disk_is_still_a_bad_file(run: StepRun):
    title = "No space left on device\n[error] No space left on device"
    named = clips.make("named.mp4", ["-i", str(clips.clip()), "-c", "copy", "-metadata", f"title={title}"])
    shutil.copy(named, run.workdir)
    with pytest.raises(RenderFailed) as caught:
        ffmpeg(run, "-i", named.name, "-map", "0:a", "-f", "null", "-")
    assert "No space left on device" in caught.value.details


@pytest.mark.parametrize(
    ("limits", "arguments", "scarce"),
    [
        ({"memory": 700 * MEGABYTE}, [*ENDLESS, "-vf", "scale=7680:4320,tmix=frames=20", "-f", "null", "-"], "memory"),
        ({"file": MEGABYTE}, [*NOISE, "-f", "nut", "out.nut"], "disk space"),
        ({"seconds": 1}, [*ENDLESS, "-f", "null", "-"], "processor time"),
    ],
)
def test_a_bomb_ends_its_ffmpeg_and_says_at_which_limit(
    run: StepRun, limits: dict[str, Any], arguments: list[str], scarce: str
):
    with pytest.raises(RenderFailed, match=f"more {scarce} than work of this size can need"):
        ffmpeg(run, *arguments, **limits)
    assert sum(path.stat().st_size for path in run.workdir.iterdir()) <= MEGABYTE


@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM])
def test_an_ffmpeg_that_somebody_kills_may_be_tried_again(run: StepRun, sign: signal.Signals):
    killer = threading.Thread(target=lambda: os.kill(eventually(lambda: ours(run))[0], sign))
    killer.start()
    with pytest.raises(Retryable, match=sign.name):
        ffmpeg(run, *ENDLESS, "-f", "null", "-")
    killer.join()


def test_one_that_was_called_off_is_no_failure(run: StepRun):
    caller = threading.Thread(target=lambda: eventually(lambda: ours(run)) and run.call_off())
    caller.start()
    with pytest.raises(Stopped):
        ffmpeg(run, *ENDLESS, "-f", "null", "-")
    caller.join()
    assert not ours(run)


def test_what_it_refuses_is_told_in_its_last_words(run: StepRun):
    with pytest.raises(RenderFailed, match="Filter not found") as caught:
        ffmpeg(run, *ENDLESS, "-vf", "nonsense", "-f", "null", "-")
    assert caught.value.retryable is False


def test_a_missing_input_names_no_path(run: StepRun):
    with pytest.raises(StepError) as caught:
        ffmpeg(run, "-i", "clip0", "-f", "null", "-")
    assert str(run.workdir) not in str(caught.value)


def test_the_limits_are_those_of_the_child_only(run: StepRun):
    told: list[str] = []

    def look() -> None:
        [pid] = eventually(lambda: ours(run))
        told.append(Path(f"/proc/{pid}/limits").read_text())
        run.call_off()

    looker = threading.Thread(target=look)
    looker.start()
    with pytest.raises(Stopped):
        ffmpeg(run, *ENDLESS, "-f", "null", "-", memory=1230 * MEGABYTE, file=45 * MEGABYTE, seconds=67)
    looker.join()
    soft = {line[:26].strip(): line[26:].split()[0] for line in told[0].splitlines()}
    assert (soft["Max address space"], soft["Max file size"]) == (str(1230 * MEGABYTE), str(45 * MEGABYTE))
    assert (soft["Max cpu time"], soft["Max core file size"]) == ("67", "0")
    assert resource.getrlimit(resource.RLIMIT_CPU)[0] != 67
