"""`reel bench voices` with an engine that is quick, and ears that repeat what they are told."""

import wave
from collections.abc import Sequence
from pathlib import Path

import pytest

from benchmarks import voices
from benchmarks.report import NotMeasured, Scope
from benchmarks.voices import ears
from benchmarks.voices.ears import Reading


def test_each_engine_has_costs_and_is_read_back_alone_and_with_music(tmp_path, monkeypatch):
    monkeypatch.setenv("SPEECH_ENGINES", "espeak-ng,none")
    heard: list[list[Path]] = []

    def read_back(_: Path, sounds: Sequence[Path], readings: Sequence[Sequence[str]], work: Path) -> list[Reading]:
        heard.append(list(sounds))
        return [Reading(ways[0], len(heard) - 1, len(ways[0].split())) for ways in readings]

    monkeypatch.setattr(ears, "ready", lambda data, say: Path("python"))
    lengths: list[set[int]] = []

    def kept(python: Path, sounds: Sequence[Path], readings: Sequence[Sequence[str]], work: Path) -> list[Reading]:
        lengths.append({_frames(path) for path in sounds})
        return read_back(python, sounds, readings, work)

    monkeypatch.setattr(ears, "read_back", kept)
    report = voices.measure(Scope(quick=True, data=tmp_path), lambda line: None)
    costs, errors = report.tables
    assert [row["engine"] for row in costs.rows] == ["espeak-ng"]
    assert float(costs.rows[0]["times real time"]) > 1
    assert errors.rows[0]["% of words wrong"] == 0
    assert float(errors.rows[0]["with music"]) > 0
    assert errors.rows[0]["sentences wholly right"] == voices.QUICK
    assert [len(sounds) for sounds in heard] == [voices.QUICK] * 2
    assert set(heard[0]).isdisjoint(heard[1])
    assert lengths[0] == lengths[1]
    assert all(check.passed for check in report.checks)


def _frames(path: Path) -> int:
    with wave.open(str(path)) as file:
        return file.getnframes()


def test_an_engine_that_fails_is_said_with_its_last_words(tmp_path, monkeypatch):
    monkeypatch.setattr(ears, "ready", lambda data, say: Path("python"))
    monkeypatch.setenv("SPEECH_ENGINES", "espeak-ng")
    monkeypatch.setattr(voices, "ROOT", tmp_path)
    with pytest.raises(NotMeasured, match=r"espeak-ng did not speak: .*No module named 'benchmarks'"):
        voices.measure(Scope(data=tmp_path), lambda line: None)


@pytest.mark.slow
def test_ears_that_cannot_be_had_are_said(tmp_path, monkeypatch):
    monkeypatch.setattr(ears, "HERE", tmp_path)
    (tmp_path / "requirements.txt").write_text("./no-such-package\n")
    with pytest.raises(NotMeasured, match="Whisper could not be installed: "):
        ears.ready(tmp_path, lambda line: None)
