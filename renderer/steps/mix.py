"""The one sound track of a film: voice and bed levelled, the bed ducked, the whole brought to its loudness.

Voice and bed lie beside each other as raw sound. They are put together block by block whenever they are needed: to
measure how loud they are, if need be to try what a limiter does to them, and to encode them, once as a rule.
"""

import io
import math
import os
import wave
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import ffmpeg
import numpy as np

from common.contracts.base import ObjectRef
from common.contracts.grid import SAMPLE_RATE, samples_per_frame
from common.contracts.steps import MixFacts, MixSpec
from common.contracts.timeline import MusicCue, PlacedNarration, SoundProfile, SoundReport, Span
from common.worker.steprun import StepRun
from renderer.ffmpeg.formats import GUARD
from renderer.ffmpeg.limits import for_sound
from renderer.ffmpeg.run import run_ffmpeg
from renderer.ffmpeg.verify import check_sound
from renderer.sound import bed
from renderer.sound.loudness import SILENCE, Loudness, heard, listen, meter, silences

VOICE_FILE, MIX_FILE, MUSIC_FILE = "voice.raw", "mix.m4a", "music.flac"
RAW = {"f": "f32le", "ar": SAMPLE_RATE, "ac": 2}
EXACT = {"map_metadata": -1, "fflags": "+bitexact", "flags:a": "+bitexact"}

BED_LEVEL = -24.0
"Loudness of the bed between two narrations, in LUFS; narrations come at -18."
LOUDEST_LIFT = 30.0
"Decibels a quiet file may be raised by, of which 6 were taken from it; more would be noise."
DUCK = -10.0
"Decibels by which the bed goes down under a voice."
DUCK_LEAD = int(0.4 * SAMPLE_RATE)
"The bed begins to go down this long before the voice, and is down when it comes."
DUCK_HOLD = int(1.6 * SAMPLE_RATE)
"It stays down during gaps shorter than this."
DUCK_END = int(1.2 * SAMPLE_RATE)
"And takes this long to come up again; less than the shortest gap it comes up in."
DIP = -9.0
"Decibels by which the bed dips, besides, when the picture dips to black or white."
DIP_REACH = int(0.25 * SAMPLE_RATE)
"It begins so long before the picture does and ends so long behind it: what the ear follows is slower."
FADE_IN, FADE_OUT = 0.8, 2.5
FULL_SCALE = 32_768
EDGE = int(0.008 * SAMPLE_RATE)
"Both ends of a narration are faded over so many samples, so that none begins or ends with a click."

NEAR_ENOUGH = 0.1
"Loudness units from the target at which a gain is accepted."
SURE = 0.5
"A gain that misses by less than this is corrected, and not tried again."
LEAST_YIELD = 0.3
"Loudness units that a decibel of gain is taken to bring at least when the limiter eats up the rest."
TRIALS = 6
"The gain is corrected at most so often before the sound is encoded; each costs a fifth of that."
MARGIN = 1.0
"Decibels between the highest sample and the ceiling, for what lies between samples."
ENCODER_MARGIN = 0.3
"Decibels that the encoder may add to the peaks."
OFF = 0.3
"Loudness units from the target at which the encoded sound is good."
ENCODINGS = 3
"When the encoder changed more than that, the sound is encoded again, at most so often in all."

LONGEST_SILENCE = 3.0
"Seconds. Nobody pauses that long while speaking."
CLIPPED = 1e-4
"The share of a voice's samples that may be at full scale before one hears it."


class Master(NamedTuple):
    """What is done to the program before it is encoded."""

    gain: float
    "In dB."
    ceiling: float
    "No sample above this, in dBFS."


def mix(spec: MixSpec, run: StepRun, program: str) -> MixFacts:
    """Exactly as many samples as the film's frames last, as AAC in MP4; and the bed by itself, for editors.

    Raises `BadMedia` if the user's music cannot be read.
    """
    total = spec.frames * samples_per_frame(spec.sound.fps)
    voice = _place_voices(spec.narrations, total, run)
    run.progress(0.1)
    lift = _prepare_bed(spec.music, total, run, program)
    run.progress(0.4)
    studio = _Studio(spec, total, lift, run, program)
    before = studio.measured()
    run.progress(0.5)
    after, silent = _mastered(before, spec.sound, studio)
    check_sound(run.workdir / MIX_FILE, total, "the sound of the film")
    media = run.keep("mix", run.workdir / MIX_FILE, "audio/mp4")
    report = sound_report(spec, before, after, silent, _clipped(voice))
    music = studio.bed_alone()
    return MixFacts(media=media, music=music, loudness=after.integrated, true_peak=after.peak, report=report)


# what is heard


def _place_voices(narrations: Sequence[PlacedNarration], total: int, run: StepRun) -> np.ndarray:
    """The voice, one channel of 16 bit, in a file that is mapped, not held in memory."""
    _reserve(run.workdir / VOICE_FILE, total * 2)
    track = np.memmap(run.workdir / VOICE_FILE, np.int16, mode="r+", shape=(total,))
    for narration in narrations:
        place = track[narration.start : narration.start + narration.samples]
        sound = _edged(_samples(run.read(narration.audio))[: len(place)])
        place = place[: len(sound)]
        place += np.clip(sound, -32768 - place.clip(max=0), 32767 - place.clip(min=0))
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


def _ducked(narrations: Sequence[PlacedNarration]) -> list[tuple[int, int]]:
    """The stretches during which the bed goes down and is down; the first may begin before the film does."""
    stretches: list[tuple[int, int]] = []
    for narration in sorted(narrations, key=lambda placed: placed.start):
        begin, end = narration.start - DUCK_LEAD, narration.start + narration.samples
        if stretches and begin - stretches[-1][1] < DUCK_HOLD:
            begin, end = stretches[-1][0], max(end, stretches.pop()[1])
        stretches.append((begin, end))
    return stretches


class Curve(NamedTuple):
    """Decibels over time: straight from point to point, level before the first and behind the last."""

    at: tuple[int, ...] = (0,)
    "Samples."
    level: tuple[float, ...] = (0.0,)

    def over(self, begin: int, end: int) -> np.ndarray:
        return np.interp(np.arange(begin, end), self.at, self.level)

    def bends(self, begin: int, end: int) -> bool:
        """Whether it is anything but 0 dB somewhere between."""
        return self.at[0] < end and begin < self.at[-1]


def _ducking(narrations: Sequence[PlacedNarration]) -> Curve:
    corners = [
        corner
        for begin, end in _ducked(narrations)
        for corner in ((begin, 0.0), (begin + DUCK_LEAD, DUCK), (end, DUCK), (end + DUCK_END, 0.0))
    ]
    return Curve(*zip(*corners, strict=True)) if corners else Curve()


def _dip(span: Span, step: int) -> Curve:
    begin, end = span.start * step, span.end * step
    return Curve((begin - DIP_REACH, (begin + end) // 2, end + DIP_REACH), (0.0, DIP, 0.0))


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
    curves = [_ducking(spec.narrations), *(_dip(span, step) for span in spec.dips)]
    begin = 0
    for part in bed.blocks(total, folder):
        end = begin + len(part)
        level = lift + sum(curve.over(begin, end) for curve in curves if curve.bends(begin, end))
        gain = 10 ** (level / 20)
        if spec.music.media is not None:
            gain = gain * _fades(begin, end, total)
        yield part * (np.asarray(gain, np.float32) / FULL_SCALE).reshape(-1, 1)
        begin = end


def _fades(begin: int, end: int, total: int) -> np.ndarray:
    """Gain of samples `begin` to `end` of `total`, at equal power."""
    place = np.arange(begin, end)
    rise, fall = (min(int(seconds * SAMPLE_RATE), total // 3) for seconds in (FADE_IN, FADE_OUT))
    inside = np.clip(np.minimum(place / rise, (total - place) / fall), 0, 1)
    return np.asarray(np.sin(np.pi / 2 * inside))


def _program(spec: MixSpec, total: int, lift: float | None, folder: Path) -> Iterator[bytes]:
    """Voice and bed together, as they will sound but for the level."""
    voice = np.memmap(folder / VOICE_FILE, np.int16, mode="r")
    begin = 0
    for under in _bed(spec, total, lift, folder):
        said = voice[begin : begin + len(under), None] * np.float32(1 / FULL_SCALE)
        yield (under + said).tobytes()
        begin += len(under)


# how loud it is


class _Studio:
    """Plays the program to ffmpeg, as often as need be."""

    def __init__(self, spec: MixSpec, total: int, lift: float | None, run: StepRun, program: str) -> None:
        self._spec, self._total, self._lift = spec, total, lift
        self._run, self._ffmpeg = run, program

    def measured(self) -> Loudness:
        """How loud the program is; its peak is that of its samples."""
        return heard(self._play(ffmpeg.output(meter(self._input()), "-", f="null")))

    def tried(self, master: Master) -> Loudness:
        """How loud it is once mastered, with its true peak."""
        sound = meter(self._mastered(master), true_peak=True)
        return heard(self._play(ffmpeg.output(sound, "-", f="null")))

    def encoded(self, master: Master) -> tuple[Loudness, tuple[Span, ...]]:
        """Writes MIX_FILE and listens to what a player will decode from it: how loud it is and where it is silent."""
        encoding = {
            "acodec": "aac",
            # Four times as fast as the other search, and at these rates nearer to what went in.
            "aac_coder": "fast",
            "audio_bitrate": self._spec.sound.bitrate,
            "ar": SAMPLE_RATE,
            "ac": 2,
            "movflags": "+faststart",
            **EXACT,
        }
        self._play(ffmpeg.output(self._mastered(master), MIX_FILE, **encoding))
        played = listen(meter(ffmpeg.input(MIX_FILE, f="mp4", **GUARD).audio, true_peak=True), LONGEST_SILENCE)
        log = self._call(ffmpeg.output(played, "-", f="null"))
        return heard(log), _frames(silences(log), self._spec.sound.fps, self._spec.frames)

    def bed_alone(self) -> ObjectRef | None:
        """The bed as it lies under the narrations, not yet mastered: with these it adds up to the program."""
        if self._lift is None:
            return None
        sound = (part.tobytes() for part in _bed(self._spec, self._total, self._lift, self._run.workdir))
        # Without loss, and in a tenth of the time that AAC takes for what is so quiet.
        encoding = {"acodec": "flac", "sample_fmt": "s16", **EXACT}
        self._call(ffmpeg.output(self._input(), MUSIC_FILE, **encoding), sound)
        check_sound(self._run.workdir / MUSIC_FILE, self._total, "the music of the film")
        return self._run.keep("music", self._run.workdir / MUSIC_FILE, "audio/flac")

    def _input(self) -> ffmpeg.Stream:
        return ffmpeg.input("feed:0", **GUARD, **RAW).audio

    def _mastered(self, master: Master) -> ffmpeg.Stream:
        limit = f"{master.ceiling:.2f}dB"
        return (
            self._input()
            .filter("volume", f"{master.gain:.3f}dB", precision="float")
            .filter("alimiter", limit=limit, attack=5, release=80, level="disabled", latency="true")
            .filter("apad", whole_len=self._total)
            .filter("atrim", end_sample=self._total)
        )

    def _play(self, output: ffmpeg.Stream) -> str:
        return self._call(output, _program(self._spec, self._total, self._lift, self._run.workdir))

    def _call(self, output: ffmpeg.Stream, *feeds: Iterator[bytes]) -> str:
        return run_ffmpeg(self._ffmpeg, output.get_args(), self._run, for_sound(self._total), feeds=feeds)


def _mastered(before: Loudness, sound: SoundProfile, studio: _Studio) -> tuple[Loudness, tuple[Span, ...]]:
    """Encodes the program at its loudness, its peaks under the ceiling once decoded; again if the encoder was off."""
    master = _master(before, sound, studio)
    for _ in range(ENCODINGS):
        after, silent = studio.encoded(master)
        missing = sound.loudness - after.integrated if before.integrated > SILENCE else 0.0
        over = after.peak - sound.true_peak
        if over <= 0 and abs(missing) <= OFF:
            break
        lower = over + 0.1 if over > 0 else 0.0
        master = Master(master.gain + missing, master.ceiling - lower)
    return after, silent


def _master(before: Loudness, sound: SoundProfile, studio: _Studio) -> Master:
    """The gain that brings the program to its loudness; what the limiter takes away is made up for."""
    gain = sound.loudness - before.integrated if before.integrated > SILENCE else 0.0
    master = Master(gain, sound.true_peak - MARGIN)
    if before.peak + gain <= master.ceiling:
        return master  # the limiter has nothing to do
    yields, last = 1.0, None
    for _ in range(TRIALS):
        after = studio.tried(master)
        missing = sound.loudness - after.integrated
        over = max(0.0, after.peak - (sound.true_peak - ENCODER_MARGIN))
        if abs(missing) <= NEAR_ENOUGH and not over:
            break
        if last is not None and master.gain != last[0]:
            yields = min(1.0, max(LEAST_YIELD, (after.integrated - last[1]) / (master.gain - last[0])))
        last = master.gain, after.integrated
        master = Master(master.gain + missing / yields, master.ceiling - over)
        if abs(missing) < SURE and over < SURE:
            break
    return master


# what is told of it


def sound_report(
    spec: MixSpec, before: Loudness, after: Loudness, silent: tuple[Span, ...], clipped: int
) -> SoundReport:
    """What there is to say about the sound: `before` of the program, `after` and `silent` of what was encoded. Pure."""
    return SoundReport(silent=silent, clipped=clipped, problems=tuple(_problems(spec, before, after, silent, clipped)))


def _problems(
    spec: MixSpec, before: Loudness, after: Loudness, silent: tuple[Span, ...], clipped: int
) -> Iterator[str]:
    sound = spec.sound
    if before.integrated <= SILENCE:
        if spec.narrations or (spec.music is not None and spec.music.volume > 0):
            yield "nothing is heard in the whole film"
        return
    if abs(after.integrated - sound.loudness) > OFF:
        yield f"the loudness is {after.integrated:.1f} LUFS instead of {sound.loudness:.1f}"
    if after.peak > sound.true_peak:
        yield f"the highest peak is at {after.peak:.1f} dBTP, above {sound.true_peak:.1f}"
    for span in silent:
        if _speechless(span, spec):
            yield f"nothing is heard of a narration for {(span.end - span.start) / sound.fps:.1f} s"
    if clipped > CLIPPED * sum(narration.samples for narration in spec.narrations):
        yield f"the voice is clipped: {clipped} samples are at full scale"


def _speechless(span: Span, spec: MixSpec) -> bool:
    """Whether so long a silence lies in a narration."""
    step, longest = samples_per_frame(spec.sound.fps), LONGEST_SILENCE * SAMPLE_RATE
    return any(
        min(span.end * step, narration.start + narration.samples) - max(span.start * step, narration.start) > longest
        for narration in spec.narrations
    )


def _clipped(voice: np.ndarray) -> int:
    """Samples of the voice that follow another one at full scale. The bed has headroom, and the mix has a limiter."""
    count = 0
    for begin in range(0, len(voice), bed.BLOCK):
        full = np.abs(voice[begin : begin + bed.BLOCK + 1].astype(np.int32)) >= FULL_SCALE - 1
        count += int((full[1:] & full[:-1]).sum())
    return count


def _frames(seconds: Sequence[tuple[float, float]], fps: int, frames: int) -> tuple[Span, ...]:
    """The frames that lie wholly within stretches of time."""
    spans = [(math.ceil(begin * fps), min(frames, math.floor(end * fps))) for begin, end in seconds]
    return tuple(Span(start=begin, end=end) for begin, end in spans if end > begin)
