"""What a service does first."""

import errno
import logging
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from common import scratch
from common.logs import secrets, set_up_logs
from common.settings import BadSetting, Settings
from common.starting import check_scratch, start


@pytest.fixture
def usual_logs() -> Iterator[None]:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = before


def test_the_folder_for_temporary_files_is_made_and_swept(tmp_path: Path) -> None:
    left = tmp_path / "new" / "reel-step-of-a-dead-worker"
    left.mkdir(parents=True)
    check_scratch(Settings(work_dir=str(tmp_path / "new")))
    assert list((tmp_path / "new").iterdir()) == []
    check_scratch(Settings(work_dir=str(tmp_path / "newer" / "still")))
    assert (tmp_path / "newer" / "still").is_dir()


def test_a_folder_that_is_there_but_takes_no_files_is_a_bad_setting() -> None:
    assert Path("/proc").is_dir()
    with pytest.raises(BadSetting, match=r"^WORK_DIR must be .*/proc cannot be written to"):
        check_scratch(Settings(work_dir="/proc"))


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BadSetting, match="WORK_DIR"):
        check_scratch(Settings(work_dir=str(tmp_path / "file")))


@pytest.mark.parametrize(("number", "starts"), [(errno.ENOSPC, True), (errno.EDQUOT, True), (errno.EROFS, False)])
def test_a_full_disk_keeps_no_service_from_starting(
    number: int, starts: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def refuse(**options: object) -> None:
        asked.append(options["dir"])
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(scratch.tempfile, "TemporaryFile", refuse)
    settings = Settings(work_dir=str(tmp_path))
    if starts:
        check_scratch(settings)
    else:
        with pytest.raises(BadSetting, match=os.strerror(number)):
            check_scratch(settings)
    assert asked == [tmp_path]


def test_the_log_begins_with_what_was_ignored(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], usual_logs: None
) -> None:
    monkeypatch.setenv("RENDER_SLOT", "3")
    start("renderer")
    assert "RENDER_SLOT is ignored" in capsys.readouterr().err


def test_secrets_are_hidden_in_logs_and_what_is_none_is_not(
    capsys: pytest.CaptureFixture[str], usual_logs: None
) -> None:
    plain = replace(Settings(), s3_secret_key="hush-hush", broker_url="redis://:hush-too@host:1/0")
    set_up_logs("renderer", plain)
    logging.getLogger("renderer").warning("hush-hush at redis://:hush-too@host:1/0, hush-too, redis://127.0.0.1:6379/0")
    text = capsys.readouterr().err
    assert "hush" not in text
    assert "redis://127.0.0.1:6379/0" in text


def test_the_secrets_are_those_that_are_declared_so() -> None:
    settings = Settings(state_url="redis://:of-the-state@host/0", pexels_api_key="of-pexels", s3_region="of-no-secret")
    assert {"of-the-state", "of-pexels", settings.s3_secret_key} <= set(secrets(settings))
    assert "of-no-secret" not in secrets(settings)
