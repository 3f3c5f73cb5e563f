"""Small disks of our own: filled up to the last byte for a while, and kept only where that is wanted."""

import errno
import os
from pathlib import Path

import pytest

from infra.chaos.disks import filled, small_disk

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs the right to mount")
MEGABYTE = bytes(2**20)


def test_a_filled_disk_takes_nothing_and_afterwards_as_much_as_before(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    with small_disk(one, 8) as mounted, small_disk(other, 8):
        assert mounted
        (one / "before").write_bytes(MEGABYTE)
        with filled([one, other]):
            for folder in (one, other):
                with pytest.raises(OSError, match="No space") as full:
                    (folder / "during").write_bytes(MEGABYTE)
                assert full.value.errno == errno.ENOSPC
            assert (one / "before").read_bytes() == MEGABYTE
        (one / "after").write_bytes(MEGABYTE * 4)
        (other / "after").write_bytes(MEGABYTE * 6)


@pytest.mark.parametrize("kept", [True, False])
def test_files_go_with_the_disk_unless_they_are_kept(tmp_path: Path, kept: bool) -> None:
    folder = tmp_path / "disk"
    with small_disk(folder, 1, lambda: kept):
        (folder / "in").mkdir()
        (folder / "in" / "file").write_text("text")
    assert not folder.is_mount()
    assert [path.name for path in folder.iterdir()] == (["in"] if kept else [])
    if kept:
        assert (folder / "in" / "file").read_text() == "text"
