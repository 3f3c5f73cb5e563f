"""Mastering: brings a program to its loudness, its peaks under the ceiling, and encodes it, as a rule once.

The program is played to ffmpeg whenever it is needed: to measure it, to try a gain if its peaks meet the limiter, and
to encode it.
"""

from collections.abc import Callable
from typing import NamedTuple

import ffmpeg

from common.contracts.grid import SAMPLE_RATE
from common.contracts.timeline import SoundProfile
from common.worker.steprun import StepRun
from renderer.ffmpeg.formats import GUARD, Stream
from renderer.ffmpeg.limits import for_sound
from renderer.ffmpeg.run import Feed, run_ffmpeg
from renderer.sound.loudness import SILENCE, Loudness, heard, listen, meter, silences
from renderer.sound.report import LONGEST_SILENCE, TOLERANCE

MIX_FILE, MUSIC_FILE = "mix.m4a", "music.flac"
RAW = {"f": "f32le", "ar": SAMPLE_RATE, "ac": 2}
"The form in which sound is played to ffmpeg."
EXACT = {"map_metadata": -1, "fflags": "+bitexact", "flags:a": "+bitexact"}

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
ENCODINGS = 3
"When the encoder changed the loudness too much, the sound is encoded again, at most so often in all."


class Master(NamedTuple):
    """Gain and limiter that the program passes before it is encoded."""

    gain: float
    "In dB."
    ceiling: float
    "No sample above this, in dBFS."


class Encoded(NamedTuple):
    """The sound that a player decodes from the encoded mix."""

    loudness: Loudness
    silences: list[tuple[float, float]]
    "From and to, in seconds."


class Studio:
    """Plays the program to ffmpeg, as often as need be."""

    def __init__(
        self, program: Callable[[], Feed], samples: int, sound: SoundProfile, run: StepRun, ffmpeg_program: str
    ) -> None:
        """`program` gives the whole program from its start, `samples` long, in the form `RAW`."""
        self._program, self._samples, self._sound = program, samples, sound
        self._run, self._ffmpeg = run, ffmpeg_program

    def measured(self) -> Loudness:
        """The loudness of the program; its peak is that of its samples."""
        return heard(self._play(ffmpeg.output(meter(self._input()), "-", f="null")))

    def tried(self, master: Master) -> Loudness:
        """The loudness of the program once mastered, with its true peak."""
        sound = meter(self._mastered(master), true_peak=True)
        return heard(self._play(ffmpeg.output(sound, "-", f="null")))

    def encoded(self, master: Master) -> Encoded:
        """Writes MIX_FILE and listens to what a player will decode from it."""
        encoding = {
            "acodec": "aac",
            # Four times as fast as the other search, and at these rates nearer to what went in.
            "aac_coder": "fast",
            "audio_bitrate": self._sound.bitrate,
            "ar": SAMPLE_RATE,
            "ac": 2,
            "movflags": "+faststart",
            **EXACT,
        }
        self._play(ffmpeg.output(self._mastered(master), MIX_FILE, **encoding))
        played = listen(meter(ffmpeg.input(MIX_FILE, f="mp4", **GUARD).audio, true_peak=True), LONGEST_SILENCE)
        log = self._call(ffmpeg.output(played, "-", f="null"))
        return Encoded(heard(log), silences(log))

    def write_bed(self, bed: Feed) -> None:
        """Writes the bed to MUSIC_FILE as it lies under the narrations, without mastering."""
        # Without loss, and in a tenth of the time that AAC takes for what is so quiet.
        self._call(ffmpeg.output(self._input(), MUSIC_FILE, acodec="flac", sample_fmt="s16", **EXACT), bed)

    def _input(self) -> Stream:
        return ffmpeg.input("feed:0", **GUARD, **RAW).audio

    def _mastered(self, master: Master) -> Stream:
        limit = f"{master.ceiling:.2f}dB"
        return (
            self._input()
            .filter("volume", f"{master.gain:.3f}dB", precision="float")
            .filter("alimiter", limit=limit, attack=5, release=80, level="disabled", latency="true")
            .filter("apad", whole_len=self._samples)
            .filter("atrim", end_sample=self._samples)
        )

    def _play(self, output: Stream) -> str:
        return self._call(output, self._program())

    def _call(self, output: Stream, *feeds: Feed) -> str:
        return run_ffmpeg(self._ffmpeg, output.get_args(), self._run, for_sound(self._samples), feeds=feeds)


def encode_mastered(before: Loudness, sound: SoundProfile, studio: Studio) -> Encoded:
    """Encodes the program, measured as `before`, at its loudness; again if the encoder was off."""
    master = _find_master(before, sound, studio)
    for _ in range(ENCODINGS):
        encoded = studio.encoded(master)
        after = encoded.loudness
        missing = sound.loudness - after.integrated if before.integrated > SILENCE else 0.0
        over = after.peak - sound.true_peak
        if over <= 0 and abs(missing) <= TOLERANCE:
            break
        lower = over + 0.1 if over > 0 else 0.0
        master = Master(master.gain + missing, master.ceiling - lower)
    return encoded


def _find_master(before: Loudness, sound: SoundProfile, studio: Studio) -> Master:
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
