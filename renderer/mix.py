"""The one sound track of a film: voice and bed levelled, the bed ducked, the whole brought to its loudness."""

import io
import os
import wave
from collections.abc import Sequence
from pathlib import Path

import ffmpeg
import numpy as np

from common.contracts.grid import SAMPLE_RATE, samples_per_frame
from common.contracts.steps import MixFacts, MixSpec
from common.contracts.timeline import PlacedNarration, Profile
from common.jobs.steprun import StepRun
from renderer import bed
from renderer.ffmpeg.check import check_sound
from renderer.ffmpeg.limits import for_sound
from renderer.ffmpeg.loudness import SILENCE, Loudness, heard, meter
from renderer.ffmpeg.run import run_ffmpeg

VOICE_FILE, PROGRAM_FILE, MIX_FILE = "voice.raw", "program.flac", "mix.m4a"
GUARD = {"protocol_whitelist": "file,pipe"}

BED_LEVEL = -24.0
"Loudness of the bed between two narrations, in LUFS; narrations come at -18."
LOUDEST_LIFT = 24.0
"Decibels a quiet file may be raised by; more would be noise."
# The key that ducks is as long as the narrations and flat, so nothing pumps between words: 20 dB over
# the threshold at a ratio of 2 is 10 dB less bed. Time constants are a quarter of what is given here.
DUCKING = {"threshold": 0.1, "ratio": 2, "attack": 1500, "release": 2000, "detection": "peak", "knee": 1}
DUCK_LEAD = int(0.4 * SAMPLE_RATE)
"The bed begins to go down this long before the voice, and is down when it comes."
DUCK_HOLD = int(1.6 * SAMPLE_RATE)
"It stays down during gaps shorter than this."
FADE_IN, FADE_OUT = 0.8, 2.5

NEAR_ENOUGH = 0.2
"Loudness units from the target at which a gain is accepted."
CORRECTIONS = 3
"The gain is corrected at most so often before the sound is encoded, once."
ENCODER_MARGIN = 1.0
"Decibels left for what lies between samples and for what the encoder usually adds to the peaks."
ENCODINGS = 3
"When the encoder added more, the sound is encoded again with so much more margin, at most so often in all."


def mix(spec: MixSpec, run: StepRun, program: str) -> MixFacts:
    """Exactly as many samples as the film's frames last, as AAC in MP4.

    Raises `BadMedia` if the user's music cannot be read.
    """
    total = spec.frames * samples_per_frame(spec.profile.fps)
    _place_voices(spec.narrations, total, run)
    run.progress(0.2)
    before = _join(spec, total, run, program)
    run.progress(0.6)
    after = _master(before, spec.profile, total, run, program)
    check_sound(run.workdir / MIX_FILE, total, "the sound of the film")
    media = run.keep("mix", run.workdir / MIX_FILE, "audio/mp4")
    return MixFacts(media=media, loudness=after.integrated, true_peak=after.true_peak)


def _place_voices(narrations: Sequence[PlacedNarration], total: int, run: StepRun) -> None:
    """Writes the voice (left) and the key that ducks the bed (right), 16 bit, without holding them in memory."""
    _reserve(run.workdir / VOICE_FILE, total * 4)
    track = np.memmap(run.workdir / VOICE_FILE, np.int16, mode="r+", shape=(total, 2))
    for narration in narrations:
        sound = _samples(run.read(narration.audio))[: narration.samples]
        place = track[narration.start : narration.start + len(sound), 0]
        place += np.clip(sound[: len(place)], -32768 - place.clip(max=0), 32767 - place.clip(min=0))
    for begin, end in _ducked(narrations):
        track[begin:end, 1] = 32767
    track.flush()


def _reserve(path: Path, size: int) -> None:
    """Makes a file of zeros. On a full disk, writing to a mapped file that has no room yet would end the process."""
    with path.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, size)


def _samples(data: bytes) -> np.ndarray:
    with wave.open(io.BytesIO(data)) as file:
        return np.frombuffer(file.readframes(file.getnframes()), "<i2")


def _ducked(narrations: Sequence[PlacedNarration]) -> list[tuple[int, int]]:
    """The stretches during which the bed is down."""
    stretches: list[tuple[int, int]] = []
    for narration in sorted(narrations, key=lambda placed: placed.start):
        begin, end = max(0, narration.start - DUCK_LEAD), narration.start + narration.samples
        if stretches and begin - stretches[-1][1] < DUCK_HOLD:
            begin, end = stretches[-1][0], max(end, stretches.pop()[1])
        stretches.append((begin, end))
    return stretches


def _join(spec: MixSpec, total: int, run: StepRun, program: str) -> Loudness:
    """Voice and bed together, as they will sound but for the level, in PROGRAM_FILE."""
    tracks = ffmpeg.input(VOICE_FILE, f="s16le", ar=SAMPLE_RATE, ac=2, **GUARD).audio
    feeds = []
    if spec.music is None or spec.music.volume == 0:
        sound = tracks.filter("pan", args="stereo|c0=c0|c1=c0")
    else:
        both = tracks.filter_multi_output("asplit", 2)
        voice, key = both[0].filter("pan", args="stereo|c0=c0|c1=c0"), both[1].filter("pan", args="mono|c0=c1")
        under = _bed(spec, total, run, program)
        # At its end the compressor may drop what one input is ahead of the other, so both go on a little.
        ducked = ffmpeg.filter(
            [track.filter("apad", pad_dur=1) for track in (under, key)], "sidechaincompress", **DUCKING
        )
        sound = ffmpeg.filter([voice, ducked], "amix", inputs=2, duration="first", normalize=0)
        feeds = [bed.blocks(total, run)]
    output = ffmpeg.output(meter(sound), PROGRAM_FILE, acodec="flac", sample_fmt="s32", compression_level=0)
    return heard(run_ffmpeg(program, output.get_args(), run, for_sound(total), feeds=feeds))


def _bed(spec: MixSpec, total: int, run: StepRun, program: str) -> ffmpeg.Stream:
    """The bed at its level; a file is faded at both ends of the film, a composed piece ends by itself."""
    assert spec.music is not None
    level = bed.prepare(spec.music, total, run, program)
    lift = min(LOUDEST_LIFT, BED_LEVEL - level.integrated) if level.integrated > SILENCE else 0.0
    lift += 20 * np.log10(spec.music.volume)
    sound = ffmpeg.input("feed:0", **GUARD, **bed.RAW).audio.filter("volume", f"{lift:.3f}dB")
    if spec.music.media is None:
        return sound
    fade_in, fade_out = (min(int(seconds * SAMPLE_RATE), total // 3) for seconds in (FADE_IN, FADE_OUT))
    return sound.filter("afade", type="in", ns=fade_in, curve="qsin").filter(
        "afade", type="out", ss=total - fade_out, ns=fade_out, curve="qsin"
    )


def _master(before: Loudness, profile: Profile, total: int, run: StepRun, program: str) -> Loudness:
    """Brings the program to its loudness and encodes it so that its peaks stay under the ceiling once decoded."""
    gain = _gain(before, profile, total, run, program)
    run.progress(0.75)
    margin = ENCODER_MARGIN
    for _ in range(ENCODINGS):
        after = _encode(_levelled(gain, profile.true_peak - margin, total), profile, total, run, program)
        if after.true_peak <= profile.true_peak:
            break
        margin += after.true_peak - profile.true_peak + 0.1
    return after


def _gain(before: Loudness, profile: Profile, total: int, run: StepRun, program: str) -> float:
    """Decibels that bring the program to its loudness; what the limiter takes away is made up for."""
    gain = profile.loudness - before.integrated if before.integrated > SILENCE else 0.0
    for _ in range(CORRECTIONS):
        trial = ffmpeg.output(meter(_levelled(gain, profile.true_peak - ENCODER_MARGIN, total)), "-", f="null")
        missing = profile.loudness - heard(run_ffmpeg(program, trial.get_args(), run, for_sound(total))).integrated
        if before.integrated <= SILENCE or abs(missing) < NEAR_ENOUGH:
            break
        gain += missing
    return gain


def _encode(sound: ffmpeg.Stream, profile: Profile, total: int, run: StepRun, program: str) -> Loudness:
    """Writes MIX_FILE and measures what a player will decode from it."""
    encoding = {"acodec": "aac", "audio_bitrate": profile.audio_bitrate, "ar": SAMPLE_RATE, "ac": 2}
    exact = {"map_metadata": -1, "fflags": "+bitexact", "flags:a": "+bitexact", "movflags": "+faststart"}
    limits = for_sound(total)
    run_ffmpeg(program, ffmpeg.output(sound, MIX_FILE, **encoding, **exact).get_args(), run, limits)
    played = ffmpeg.input(MIX_FILE, f="mp4", **GUARD).audio
    return heard(run_ffmpeg(program, ffmpeg.output(meter(played), "-", f="null").get_args(), run, limits))


def _levelled(gain: float, ceiling: float, total: int) -> ffmpeg.Stream:
    """The program `gain` dB louder, no sample above `ceiling` dBFS, `total` samples long."""
    limit = f"{ceiling:.2f}dB"
    return (
        ffmpeg.input(PROGRAM_FILE, f="flac", **GUARD)
        .audio.filter("volume", f"{gain:.3f}dB", precision="float")
        .filter("alimiter", limit=limit, attack=5, release=80, level="disabled", latency="true")
        .filter("apad", whole_len=total)
        .filter("atrim", end_sample=total)
    )
