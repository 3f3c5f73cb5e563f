"""Which errors are outages of ours."""

import errno
from pathlib import Path

import av.error
import pytest

from common.errors import BadMedia, DiskBroken, DiskFull, Outage, disk_trouble


@pytest.mark.parametrize(
    ("number", "kind"),
    [(errno.ENOSPC, DiskFull), (errno.EDQUOT, DiskFull), (errno.EIO, DiskBroken), (errno.EROFS, DiskBroken)],
)
def test_what_the_system_says_of_a_disk(number: int, kind: type[Outage]) -> None:
    found = disk_trouble(OSError(number, "words of the system", "/a/path"))
    assert isinstance(found, kind)
    assert found.outage
    assert "/a/path" not in str(found)


def test_it_is_found_behind_what_was_raised_because_of_it() -> None:
    outer = BadMedia("the file cannot be read")
    outer.__cause__ = OSError(errno.ENOSPC, "No space left on device")
    assert isinstance(disk_trouble(outer), DiskFull)


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOENT, "No such file"),
        PermissionError(errno.EACCES, "Permission denied"),
        av.error.OSError(errno.EIO, "Input/output error"),  # how a damaged file is called
        ValueError("no"),
    ],
)
def test_other_errors_are_not(error: Exception) -> None:
    assert disk_trouble(error) is None


def test_what_may_not_be_touched_among_the_scratch_files_is_an_outage_and_elsewhere_it_is_not() -> None:
    denied = PermissionError(errno.EACCES, "Permission denied", "/work/reel-step-1/voice.wav")
    assert isinstance(disk_trouble(denied, Path("/work")), DiskBroken)
    assert disk_trouble(denied, Path("/elsewhere")) is None
    assert disk_trouble(PermissionError(errno.EACCES, "of a socket"), Path("/work")) is None
