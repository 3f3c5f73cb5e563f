"""The `mix` step: the one sound track of a film, with voice and bed levelled, the bed ducked, and the whole mastered.

Voice and bed lie beside each other as raw sound, and are put together block by block whenever they are played.
"""

import io
import os
import wave
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from common.contracts.base import ObjectRef
from common.contracts.grid import SAMPLE_RATE, samples_per_frame
from common.contracts.steps import MixFacts, MixSpec
from common.contracts.timeline import PlacedNarration
from common.worker.steprun import StepRun
from renderer.ffmpeg.verify import verify_sound
from renderer.sound import bed
from renderer.sound.balance import MUSIC, duck_depth, film_level, speech_share, spoken
from renderer.sound.ducking import dip, ducking, fades
from renderer.sound.excerpts import loudness_within
from renderer.sound.loudness import SILENCE
from renderer.sound.mastering import MIX_FILE, MUSIC_FILE, Studio, encode_mastered
from renderer.sound.report import sound_report

VOICE_TRACK = "voice.raw"
"One channel of 16 bit, as long as the film."
LOUDEST_LIFT = 30.0
"Decibels a quiet file may be raised by, of which 6 were taken from it; more would be noise."
FULL_SCALE = 32_768
EDGE = int(0.008 * SAMPLE_RATE)
"Samples over which both ends of a narration are faded, so that none begins or ends with a click."


class Under(NamedTuple):
    """How loud the bed is played, in decibels."""

    lift: float
    "Where nothing is said."
    depth: float
    "Lower than that by this (negative) under the voice."


def mix(spec: MixSpec, run: StepRun, program: str) -> MixFacts:
    """Stores the sound of the film, exactly as long as its frames, as AAC in MP4; and the bed by itself, for editors.

    Raises `BadMedia` if the user's music cannot be read.
    """
    total = spec.frames * samples_per_frame(spec.sound.fps)
    track = _place_voices(spec.narrations, total, run)
    voice = _loudness_of(track, spec.narrations, run, program)
    run.progress(0.1)
    under = _prepare_bed(spec, total, voice, run, program)
    run.progress(0.4)
    studio = Studio(lambda: _together(spec, total, under, run.workdir), total, spec.sound, run, program)
    before = studio.measured()
    run.progress(0.5)
    spec = _planned(spec, before.integrated, voice, total)
    after, silences = encode_mastered(before, spec.sound, studio)
    verify_sound(run.workdir / MIX_FILE, total, "the sound of the film")
    media = run.keep("mix", run.workdir / MIX_FILE, "audio/mp4")
    report = sound_report(spec, before, after, silences, _clipped(track))
    music = _bed_alone(spec, total, under, studio, run)
    return MixFacts(media=media, music=music, loudness=after.integrated, true_peak=after.peak, report=report)


def _planned(spec: MixSpec, before: float, voice: float, total: int) -> MixSpec:
    """The spec with the loudness that a film that speaks so much is to have."""
    level = film_level(before, voice, speech_share(spec.narrations, total), spec.sound.loudness)
    return spec.model_copy(update={"sound": spec.sound.model_copy(update={"loudness": round(level, 2)})})


# the voice


def _place_voices(narrations: Sequence[PlacedNarration], total: int, run: StepRun) -> np.ndarray:
    """Writes VOICE_TRACK; it is mapped, not held in memory."""
    _reserve(run.workdir / VOICE_TRACK, total * 2)
    track = np.memmap(run.workdir / VOICE_TRACK, np.int16, mode="r+", shape=(total,))
    for narration in narrations:
        stretch = track[narration.start : narration.start + narration.samples]
        sound = _edged(_samples(run.read(narration.audio))[: len(stretch)])
        stretch = stretch[: len(sound)]
        stretch += np.clip(sound, -32768 - stretch.clip(max=0), 32767 - stretch.clip(min=0))
    track.flush()
    return track


def _loudness_of(track: np.ndarray, narrations: Sequence[PlacedNarration], run: StepRun, program: str) -> float:
    """Of the voice where it speaks, as it sounds from both channels."""
    spans, total = spoken(narrations, len(track)), len(track)
    if not spans:
        return SILENCE
    blocks = (track[begin : begin + bed.BLOCK, None] for begin in range(0, total, bed.BLOCK))
    return loudness_within(spans, blocks, total, run, program)


def _reserve(path: Path, size: int) -> None:
    """Makes a file of zeros. On a full disk, writing to a mapped file that has no room yet would end the process."""
    with path.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, size)


def _samples(data: bytes) -> np.ndarray:
    with wave.open(io.BytesIO(data)) as file:
        return np.frombuffer(file.readframes(file.getnframes()), "<i2")


def _edged(sound: np.ndarray) -> np.ndarray:
    """A copy that begins and ends in silence."""
    edge = min(EDGE, len(sound) // 2)
    rise = np.sin(np.linspace(0, np.pi / 2, edge, endpoint=False)) ** 2
    faded = sound.copy()
    faded[:edge] = faded[:edge] * rise
    faded[len(faded) - edge :] = faded[len(faded) - edge :] * rise[::-1]
    return faded


def _clipped(voice: np.ndarray) -> int:
    """Samples of the voice that follow another one at full scale. The bed has headroom, and the mix has a limiter."""
    count = 0
    for begin in range(0, len(voice), bed.BLOCK):
        full = np.abs(voice[begin : begin + bed.BLOCK + 1].astype(np.int32)) >= FULL_SCALE - 1
        count += int((full[1:] & full[:-1]).sum())
    return count


# the bed


def _prepare_bed(spec: MixSpec, total: int, voice: float, run: StepRun, program: str) -> Under | None:
    """Writes the bed; returns how loud it is to be played. None: there is none to be heard."""
    music = spec.music
    if music is None or music.volume == 0:
        return None
    level = bed.prepare(music, total, run, program).integrated
    lift = min(LOUDEST_LIFT, MUSIC - level) if level > SILENCE else 0.0
    wish = 20 * float(np.log10(music.volume))
    spans, depth = spoken(spec.narrations, total), 0.0
    if spans:
        below = loudness_within(spans, bed.blocks(total, run.workdir), total, run, program)
        depth = duck_depth(level, below, voice, wish)
    return Under(lift + wish, depth)


def _bed(spec: MixSpec, total: int, under: Under | None, folder: Path) -> Iterator[np.ndarray]:
    """The bed at its level, ducked and dipped. A file is faded at both ends of the film; composed pieces need none."""
    if under is None or spec.music is None:
        for begin in range(0, total, bed.BLOCK):
            yield np.zeros((min(bed.BLOCK, total - begin), 2), np.float32)
        return
    step = samples_per_frame(spec.sound.fps)
    curves = [ducking(spec.narrations, under.depth), *(dip(span, step) for span in spec.dips)]
    begin = 0
    for part in bed.blocks(total, folder):
        end = begin + len(part)
        level = under.lift + sum(curve.over(begin, end) for curve in curves if curve.bends(begin, end))
        gain = 10 ** (level / 20)
        if spec.music.media is not None:
            gain = gain * fades(begin, end, total)
        yield part * (np.asarray(gain, np.float32) / FULL_SCALE).reshape(-1, 1)
        begin = end


def _bed_alone(spec: MixSpec, total: int, under: Under | None, studio: Studio, run: StepRun) -> ObjectRef | None:
    """The bed as it lies under the narrations, not yet mastered: with these it adds up to the program."""
    if under is None:
        return None
    studio.write_bed(part.tobytes() for part in _bed(spec, total, under, run.workdir))
    verify_sound(run.workdir / MUSIC_FILE, total, "the music of the film")
    return run.keep("music", run.workdir / MUSIC_FILE, "audio/flac")


# both


def _together(spec: MixSpec, total: int, under: Under | None, folder: Path) -> Iterator[bytes]:
    """Voice and bed together, as they will sound but for the level."""
    voice = np.memmap(folder / VOICE_TRACK, np.int16, mode="r")
    begin = 0
    for part in _bed(spec, total, under, folder):
        said = voice[begin : begin + len(part), None] * np.float32(1 / FULL_SCALE)
        yield (part + said).tobytes()
        begin += len(part)
