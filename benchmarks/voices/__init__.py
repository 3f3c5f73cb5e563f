"""What each speech engine costs, and how well it is understood: see benchmarks/README.md."""

import json
import os
import subprocess
import sys
import tempfile
import wave
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.report import ROOT, Check, NotMeasured, Report, Row, Say, Scope, Table
from benchmarks.voices import ears
from benchmarks.voices.ears import Reading
from benchmarks.voices.sentences import SENTENCES
from benchmarks.voices.speaker import write
from common.contracts.request import Mood
from common.contracts.voice import NO_VOICE
from common.settings import Settings
from renderer.sound.music import compose
from whisper_worker.level import polish
from whisper_worker.tts import make_engines

BELOW = 14.0
"Decibels by which the music lies under the voice, both as a whole."
MOOD: Mood = "uplifting"
QUICK = 4
"Sentences of a quick run."
SECONDS = 600
MOST_WRONG = 5.0
"Per cent of the words of the usual engine."
BASELINE = "espeak-ng"


@dataclass(frozen=True)
class Heard:
    """One engine."""

    name: str
    costs: dict[str, Any]
    alone: list[Reading]
    with_music: list[Reading]


def measure(scope: Scope, say: Say) -> Report:
    """All engines that can run here with these settings, each in a process of its own, one after the other."""
    names = [engine.name for engine in make_engines(Settings.from_env()) if engine.name != NO_VOICE]
    python = ears.ready(scope.data, say)
    heard = []
    with tempfile.TemporaryDirectory(prefix="voices-", dir=scope.data) as work:
        for name in names:
            heard.append(_heard(name, Path(work), python, QUICK if scope.quick else len(SENTENCES), say))
    return Report([_costs(heard), _errors(heard)], _checks(heard), {one.name: _details(one) for one in heard})


def _heard(name: str, work: Path, python: Path, count: int, say: Say) -> Heard:
    folder = work / name
    folder.mkdir()
    say(f"{name}: speaking")
    costs = _spoken(name, folder, count)
    sounds = [folder / f"{number}.wav" for number in range(count)]
    levelled = [_levelled(path) for path in sounds]
    mixed = [_mixed(path) for path in levelled]
    readings = [sentence.readings for sentence in SENTENCES[:count]]
    say(f"{name}: reading back")
    alone, with_music = (ears.read_back(python, some, readings, folder) for some in (levelled, mixed))
    return Heard(name, costs, alone, with_music)


def _spoken(name: str, folder: Path, count: int) -> dict[str, Any]:
    command = [sys.executable, "-P", "-m", "benchmarks.voices.speaker", name, str(folder), str(count)]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, env=env, cwd=ROOT, check=False)
    if done.returncode:
        raise NotMeasured(f"{name} did not speak: {' '.join(done.stderr.strip().splitlines()[-1:])}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _levelled(path: Path) -> Path:
    """As it is in a film."""
    voice, _ = polish(*_read(path))
    target = path.with_suffix(".levelled.wav")
    write(target, voice, 48_000)
    return target


def _mixed(path: Path) -> Path:
    """With music `BELOW` it, which is the same under every voice."""
    voice, rate = _read(path)
    music = compose(MOOD, 1, len(voice) / rate + 1).mean(axis=1)[: len(voice)]
    gain = _power(voice) / _power(music) * 10 ** (-BELOW / 20)
    target = path.with_suffix(".mixed.wav")
    write(target, voice + music * np.float32(gain), rate)
    return target


def _power(sound: np.ndarray) -> float:
    return float(np.sqrt(np.mean(sound**2)))


def _read(path: Path) -> tuple[np.ndarray, int]:
    with wave.open(str(path)) as file:
        data = file.readframes(file.getnframes())
        return np.frombuffer(data, "<i2").astype(np.float32) / 32768, file.getframerate()


def _costs(heard: Sequence[Heard]) -> Table:
    rows: list[Row] = [
        {
            "engine": one.name,
            "voice": one.costs["voice"],
            "times real time": one.costs["spoken"] / one.costs["cpu"],
            "CPU s, first sound cold": one.costs["cold"],
            "warm": one.costs["warm"],
            "MB": one.costs["memory"],
        }
        for one in heard
    ]
    return Table("costs, on one core", rows)


def _errors(heard: Sequence[Heard]) -> Table:
    rows: list[Row] = [
        {
            "engine": one.name,
            "% of words wrong": per_cent(one.alone),
            "with music": per_cent(one.with_music),
            "sentences wholly right": sum(not reading.wrong for reading in one.alone),
        }
        for one in heard
    ]
    return Table(f"read back by Whisper tiny.en, {len(heard[0].alone)} sentences", rows)


def per_cent(readings: Sequence[Reading]) -> float:
    return 100 * sum(one.wrong for one in readings) / sum(one.words for one in readings)


def _checks(heard: Sequence[Heard]) -> list[Check]:
    usual = heard[0]
    checks = [Check(f"{usual.name}: % of words wrong", per_cent(usual.alone), MOST_WRONG)]
    for other in heard[1:]:
        if other.name == BASELINE:
            share = per_cent(usual.alone) / max(per_cent(other.alone), 0.1)
            checks.append(Check(f"{usual.name}: words wrong, of those of {BASELINE}", share, 0.5))
    return checks


def _details(one: Heard) -> dict[str, Any]:
    def listed(readings: Sequence[Reading]) -> list[dict[str, Any]]:
        return [reading._asdict() for reading in readings]

    return {**one.costs, "alone": listed(one.alone), "with music": listed(one.with_music)}
