"""`reel settings` tells the truth and no secret; the address of `reel up` is that of the settings."""

import argparse
from pathlib import Path

import pytest

from cli import address, up
from cli import settings as command
from cli.errors import BadInput
from cli.main import main
from common.settings import Settings

HUSH = "hush-hush"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which `.env` is looked for."""
    monkeypatch.setattr(command, "ROOT", tmp_path)
    monkeypatch.setattr(address, "ROOT", tmp_path)
    return tmp_path


def test_every_value_is_shown_with_its_origin_and_secrets_are_not(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "key").write_text(f"{HUSH}\n")
    (folder / ".env").write_text(f"LOG_LEVEL=DEBUG\nJOB_TIMEOUT=60\nPEXELS_API_KEY={HUSH}\nJOB_CACHE_TTL=5\n")
    monkeypatch.setenv("JOB_TIMEOUT", "90")
    monkeypatch.setenv("STATE_URL", f"redis://me:{HUSH}@host:6379/0")
    monkeypatch.setenv("S3_SECRET_KEY_FILE", str(folder / "key"))
    monkeypatch.setenv("RENDER_SLOT", "2")
    assert main(["settings"]) == 0
    said = capsys.readouterr()
    shown = dict(line.split(maxsplit=1) for line in said.out.splitlines())
    assert len(shown) == len(Settings.__dataclass_fields__)
    assert {
        "LOG_LEVEL=DEBUG": ".env",
        "JOB_TIMEOUT=90": "environment",
        "PEXELS_API_KEY=***": ".env",
        "KEEP_JOB_SECONDS=5": ".env, JOB_CACHE_TTL",
        "STATE_URL=redis://me:***@host:6379/0": "environment",
        "S3_SECRET_KEY=***": "environment, S3_SECRET_KEY_FILE",
        "API_PORT=8080": "default",
        "PIXABAY_API_KEY=": "default",
    }.items() <= shown.items()
    assert HUSH not in said.out + said.err
    assert said.err.startswith("Warning: RENDER_SLOT is ignored")


def test_faults_are_told_a_line_each(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / ".env").write_text("API_PORT=99999\nLOG_LEVEL=foo\n")
    assert main(["settings"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert [line.split()[:2] for line in said.err.splitlines()] == [["reel:", "API_PORT"], ["reel:", "LOG_LEVEL"]]


def options(host: str | None = None, port: int | None = None) -> argparse.Namespace:
    return argparse.Namespace(host=host, port=port)


def test_up_listens_where_the_options_say_else_the_settings(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in address.NAMES:
        monkeypatch.delenv(name, raising=False)
    assert up._address(options()) == ("127.0.0.1", 8080)
    (folder / ".env").write_text("API_HOST=0.0.0.0\nAPI_PORT=8181\n")
    assert up._address(options()) == ("0.0.0.0", 8181)
    assert address.usual_server() == "http://127.0.0.1:8181"
    monkeypatch.setenv("API_PORT", "8282")
    assert up._address(options()) == ("0.0.0.0", 8282)
    assert up._address(options("127.0.0.2", 8383)) == ("127.0.0.2", 8383)
    monkeypatch.setenv("S3_ENDPOINT", "of no matter to a stack with a store of its own")
    assert up._address(options()) == ("0.0.0.0", 8282)
    monkeypatch.setenv("API_PORT", "99999")
    with pytest.raises(BadInput, match="API_PORT must be"):
        up._address(options())
