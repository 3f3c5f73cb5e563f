"""The `mix` step: the one sound track of a film, with voice and bed levelled, the bed ducked, and the whole mastered.

Voice and bed lie beside each other as raw sound, and are put together block by block whenever they are played.
"""

import io
import os
import wave
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from common.contracts.base import ObjectRef
from common.contracts.grid import SAMPLE_RATE, samples_per_frame
from common.contracts.steps import MixFacts, MixSpec
from common.contracts.timeline import MusicCue, PlacedNarration
from common.worker.steprun import StepRun
from renderer.ffmpeg.verify import verify_sound
from renderer.sound import bed
from renderer.sound.ducking import dip, ducking, fades
from renderer.sound.loudness import SILENCE
from renderer.sound.mastering import MIX_FILE, MUSIC_FILE, Studio, encode_mastered
from renderer.sound.report import sound_report

VOICE_TRACK = "voice.raw"
"One channel of 16 bit, as long as the film."
BED_LEVEL = -24.0
"Loudness of the bed between two narrations, in LUFS; narrations come at -18."
LOUDEST_LIFT = 30.0
"Decibels a quiet file may be raised by, of which 6 were taken from it; more would be noise."
FULL_SCALE = 32_768
EDGE = int(0.008 * SAMPLE_RATE)
"Samples over which both ends of a narration are faded, so that none begins or ends with a click."


def mix(spec: MixSpec, run: StepRun, program: str) -> MixFacts:
    """Stores the sound of the film, exactly as long as its frames, as AAC in MP4; and the bed by itself, for editors.

    Raises `BadMedia` if the user's music cannot be read.
    """
    total = spec.frames * samples_per_frame(spec.sound.fps)
    voice = _place_voices(spec.narrations, total, run)
    run.progress(0.1)
    lift = _prepare_bed(spec.music, total, run, program)
    run.progress(0.4)
    studio = Studio(lambda: _together(spec, total, lift, run.workdir), total, spec.sound, run, program)
    before = studio.measured()
    run.progress(0.5)
    after, silences = encode_mastered(before, spec.sound, studio)
    verify_sound(run.workdir / MIX_FILE, total, "the sound of the film")
    media = run.keep("mix", run.workdir / MIX_FILE, "audio/mp4")
    report = sound_report(spec, before, after, silences, _clipped(voice))
    music = _bed_alone(spec, total, lift, studio, run)
    return MixFacts(media=media, music=music, loudness=after.integrated, true_peak=after.peak, report=report)


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


def _prepare_bed(music: MusicCue | None, total: int, run: StepRun, program: str) -> float | None:
    """Writes the bed; returns the decibels that bring it to its level. None: there is none to be heard."""
    if music is None or music.volume == 0:
        return None
    level = bed.prepare(music, total, run, program)
    lift = min(LOUDEST_LIFT, BED_LEVEL - level.integrated) if level.integrated > SILENCE else 0.0
    return lift + 20 * float(np.log10(music.volume))


def _bed(spec: MixSpec, total: int, lift: float | None, folder: Path) -> Iterator[np.ndarray]:
    """The bed at its level, ducked and dipped. A file is faded at both ends of the film; composed pieces need none."""
    if lift is None or spec.music is None:
        for begin in range(0, total, bed.BLOCK):
            yield np.zeros((min(bed.BLOCK, total - begin), 2), np.float32)
        return
    step = samples_per_frame(spec.sound.fps)
    curves = [ducking(spec.narrations), *(dip(span, step) for span in spec.dips)]
    begin = 0
    for part in bed.blocks(total, folder):
        end = begin + len(part)
        level = lift + sum(curve.over(begin, end) for curve in curves if curve.bends(begin, end))
        gain = 10 ** (level / 20)
        if spec.music.media is not None:
            gain = gain * fades(begin, end, total)
        yield part * (np.asarray(gain, np.float32) / FULL_SCALE).reshape(-1, 1)
        begin = end


def _bed_alone(spec: MixSpec, total: int, lift: float | None, studio: Studio, run: StepRun) -> ObjectRef | None:
    """The bed as it lies under the narrations, not yet mastered: with these it adds up to the program."""
    if lift is None:
        return None
    studio.write_bed(part.tobytes() for part in _bed(spec, total, lift, run.workdir))
    verify_sound(run.workdir / MUSIC_FILE, total, "the music of the film")
    return run.keep("music", run.workdir / MUSIC_FILE, "audio/flac")


# both


def _together(spec: MixSpec, total: int, lift: float | None, folder: Path) -> Iterator[bytes]:
    """Voice and bed together, as they will sound but for the level."""
    voice = np.memmap(folder / VOICE_TRACK, np.int16, mode="r")
    begin = 0
    for under in _bed(spec, total, lift, folder):
        said = voice[begin : begin + len(under), None] * np.float32(1 / FULL_SCALE)
        yield (under + said).tobytes()
        begin += len(under)
