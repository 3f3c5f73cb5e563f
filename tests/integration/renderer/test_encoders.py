"""A card is used only where it is seen to work, and what it encodes is never taken for what x264 does."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from common.contracts.kinds import NEEDS_BUILD, spec_fingerprint
from common.settings import Settings
from common.worker.service import toolchains
from renderer.ffmpeg import detect
from renderer.ffmpeg.detect import build_name, working_encoder
from renderer.ffmpeg.encoder import ENCODERS, HARDWARE, SOFTWARE
from renderer.ffmpeg.run import ffmpeg_program
from renderer.tasks import engines


@pytest.fixture(autouse=True)
def nothing_known() -> Iterator[None]:
    """What one test finds out about a program is not for others."""
    working_encoder.cache_clear()
    yield
    working_encoder.cache_clear()


def program(folder: Path, *lines: str) -> str:
    """An ffmpeg that does only this."""
    path = folder / "ffmpeg"
    path.write_text("\n".join(("#!/bin/sh", *lines, "")))
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (["echo 'Cannot load libcuda.so.1' >&2", "exit 1"], "Cannot load libcuda.so.1"),
        (["exit 3"], "ended with code 3"),
        (["echo film >trial.mp4"], "0 frames came of 10"),
    ],
)
@pytest.mark.parametrize("card", HARDWARE, ids=lambda card: card.name)
def test_a_card_that_does_not_work_is_told_and_x264_takes_its_place(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, card: detect.Encoder, lines: list[str], reason: str
) -> None:
    with caplog.at_level(logging.WARNING):
        assert working_encoder(program(tmp_path, *lines), card.name) is SOFTWARE
    assert f"{card.name} does not work on this machine" in caplog.text
    assert reason in caplog.text
    assert "films are encoded with libx264" in caplog.text


def test_x264_is_what_auto_means_and_is_not_tried(tmp_path: Path) -> None:
    asked = tmp_path / "asked"
    silent = program(tmp_path, f"echo >{asked}")
    assert working_encoder(silent, "auto") is working_encoder(silent, "libx264") is SOFTWARE
    assert not asked.exists()


def test_every_encoder_has_a_build_name_of_its_own() -> None:
    names = {build_name(ffmpeg_program(""), encoder) for encoder in ENCODERS.values()}
    assert len(names) == len(ENCODERS)


def test_steps_that_encode_have_other_names_with_a_card(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = toolchains("render", engines(Settings()))
    monkeypatch.setattr(detect, "_problem", lambda program, encoder: "")
    card = toolchains("render", engines(Settings(ffmpeg_encoder="h264_nvenc")))
    assert set(usual) == set(card) >= NEEDS_BUILD
    for kind in NEEDS_BUILD:
        (one,), (other,) = usual[kind], card[kind]
        assert spec_fingerprint(kind, "{}", one) != spec_fingerprint(kind, "{}", other)
