"""Folders for temporary files that do not outlive their process."""

import os
import tempfile
from pathlib import Path

import pytest

from common import scratch


def test_a_process_that_ends_without_ado_takes_its_temporary_folder_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    scratch.drop_temporary()
    assert tmp_path.exists(), "no folder of our own"
    with scratch.temporary("worker"):
        (Path(tempfile.gettempdir()) / "pool").write_bytes(b"memory")
        scratch.drop_temporary()
        assert list(tmp_path.iterdir()) == []
    assert os.environ["TMPDIR"] == str(tmp_path)
