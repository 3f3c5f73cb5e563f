"""The sound track of a film, measured on what was encoded."""

import io
import re
import subprocess
import wave
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

from common.contracts.base import ObjectRef
from common.contracts.grid import SAMPLE_RATE, samples_per_frame
from common.contracts.steps import MixFacts, MixSpec, SpeakSpec
from common.contracts.timeline import MusicCue, PlacedNarration, SoundProfile, SoundReport, Span
from common.errors import BadMedia, Stopped
from common.worker.steprun import StepRun
from renderer.ffmpeg.run import ffmpeg_program, run_ffmpeg
from renderer.sound.balance import BELOW_PLAN, MUSIC, UNDER_VOICE, VOICE
from renderer.sound.loudness import silences
from renderer.steps.mix import mix
from tests.support.speech import narrated
from tests.support.steprun import step_run

PROGRAM = ffmpeg_program()
SOUND = SoundProfile()
SENTENCE = "Every morning, the first light finds the same small harbour."
CALM = MusicCue(mood="calm", seed=3)


@pytest.fixture
def run(tmp_path: Path) -> StepRun:
    return step_run(tmp_path)


@pytest.fixture
def say(run: StepRun) -> Callable[[float, str], PlacedNarration]:
    """Speaks a sentence that begins at a second of the film."""

    def placed(second: float, text: str = SENTENCE) -> PlacedNarration:
        narration = narrated(SpeakSpec(text=text, language="en", voice=None, pace=1.0), run)
        return PlacedNarration(audio=narration.audio, start=int(second * SAMPLE_RATE), samples=narration.samples)

    return placed


def make(
    run: StepRun,
    seconds: float,
    *narrations: PlacedNarration,
    music: MusicCue | None = None,
    dips: tuple[Span, ...] = (),
) -> MixFacts:
    frames = round(seconds * SOUND.fps)
    spec = MixSpec(frames=frames, sound=SOUND, narrations=narrations, music=music, dips=dips)
    return mix(spec, run, PROGRAM)


def ffmpeg(*arguments: object) -> subprocess.CompletedProcess[bytes]:
    command = [PROGRAM, "-hide_banner", "-nostats", "-nostdin", "-y", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, check=True)


def stored(run: StepRun, facts: MixFacts) -> Path:
    return run.fetch(facts.media, "stored.m4a")


def decoded(run: StepRun, facts: MixFacts) -> np.ndarray:
    """(samples, 2) as a player hears it, with the encoder's delay and padding taken off."""
    raw = ffmpeg("-i", stored(run, facts), "-f", "f32le", "-").stdout
    return np.frombuffer(raw, np.float32).reshape(-1, 2)


def loudness(path: Path) -> tuple[float, float]:
    log = ffmpeg("-i", path, "-af", "ebur128=peak=true:framelog=quiet", "-f", "null", "-").stderr.decode()
    integrated, peak = re.findall(r"(?:I|Peak): +(\S+) (?:LUFS|dBFS)", log)[-2:]
    return float(integrated), float(peak)


def level(sound: np.ndarray, begin: float, end: float) -> float:
    part = sound[int(begin * SAMPLE_RATE) : int(end * SAMPLE_RATE)].astype(np.float64)
    return float(10 * np.log10((part**2).mean() + 1e-12))


def user_music(run: StepRun, suffix: str, media_type: str, *encoding: str, seconds: float = 5.0) -> ObjectRef:
    path = run.workdir / f"upload.{suffix}"
    source = f"aevalsrc=0.05*sin(2*PI*220*t)+0.03*sin(2*PI*331*t):d={seconds}:s=44100"
    ffmpeg("-f", "lavfi", "-i", source, *encoding, path)
    return run.keep("upload", path, media_type)


def test_a_film_with_voice_and_bed_meets_its_loudness_and_peak(run, say):
    facts = make(run, 10, say(0.5), say(5), music=CALM)
    integrated, peak = loudness(stored(run, facts))
    assert facts.loudness == pytest.approx(SOUND.loudness, abs=0.5)
    assert integrated == pytest.approx(facts.loudness, abs=0.11)
    assert facts.true_peak <= SOUND.true_peak
    assert peak <= SOUND.true_peak


@pytest.mark.parametrize("music", [CALM, None], ids=["bed", "no bed"])
def test_a_film_in_which_little_is_said_lies_lower_so_that_its_voice_does_not_shout(run, say, music):
    narration = say(12, "Stay a while.")
    facts = make(run, 30, narration, music=music)
    integrated, peak = loudness(stored(run, facts))
    assert SOUND.loudness - 3.2 < integrated < SOUND.loudness - 1
    assert peak <= SOUND.true_peak
    assert facts.report.problems == ()


def write(path: Path, sound: np.ndarray) -> Path:
    """(samples, 2) between -1 and 1 as a file."""
    (path.with_suffix(".raw")).write_bytes(sound.astype("<f4").tobytes())
    form = ["-f", "f32le", "-ar", SAMPLE_RATE, "-ac", 2]
    ffmpeg(*form, "-i", path.with_suffix(".raw"), "-c:a", "pcm_f32le", path)
    return path


def parts(run: StepRun, facts: MixFacts, *narrations: PlacedNarration) -> tuple[np.ndarray, np.ndarray]:
    """The voice and the bed as they are in the finished film, (samples, 2), while the voice speaks."""
    film = decoded(run, facts).astype(np.float64)
    voice, bed = np.zeros_like(film), np.zeros_like(film)
    if facts.music is not None:
        raw = ffmpeg("-i", run.fetch(facts.music, "music.flac"), "-f", "f32le", "-").stdout
        bed += np.frombuffer(raw, np.float32).reshape(-1, 2)
    speaks = np.zeros(len(film), bool)
    for narration in narrations:
        end = narration.start + narration.samples
        voice[narration.start : end] += _samples_of(run, narration)[: len(film) - narration.start, None]
        speaks[narration.start : end] = True
    gain = ((bed + voice) * film).sum() / ((bed + voice) ** 2).sum()
    return gain * voice[speaks], gain * bed[speaks]


@pytest.mark.parametrize(
    ("mood", "seconds", "starts", "low", "high"),
    [
        ("calm", 14, (0.3, 4.4, 8.6), -14.5, -13.5),
        ("playful", 14, (0.3, 4.4, 8.6), -14.5, -13.5),
        ("dramatic", 20, (2, 8, 14), -14.9, -13.5),
        ("uplifting", 40, (12,), -17.2, -14.5),
    ],
    ids=["wordy", "wordy and playful", "half", "little"],
)
def test_voice_and_music_have_their_levels_in_films_of_every_sort(run, say, tmp_path, mood, seconds, starts, low, high):
    narrations = [say(start) for start in starts]
    facts = make(run, seconds, *narrations, music=MusicCue(mood=mood, seed=3))
    voice, bed = parts(run, facts, *narrations)
    spoken, under = loudness(write(tmp_path / "voice.wav", voice))[0], loudness(write(tmp_path / "under.wav", bed))[0]
    assert -16.0 <= spoken <= -13.4
    assert 14.0 <= spoken - under <= 15.0
    assert low <= facts.loudness <= high
    assert facts.report.problems == ()


def test_the_bed_does_not_come_up_between_sentences(run, say):
    """A steady tone under two narrations with the longest rest between them."""
    first = say(2)
    end = 2 + first.samples / SAMPLE_RATE
    tone = MusicCue(mood="calm", seed=0, media=user_music(run, "wav", "audio/wav", seconds=20))
    facts = make(run, 14, first, say(end + 1.2), music=tone)
    raw = ffmpeg("-i", run.fetch(facts.music, "music.flac"), "-f", "f32le", "-").stdout
    bed = np.frombuffer(raw, np.float32).reshape(-1, 2)
    assert level(bed, end + 0.1, end + 1.1) == pytest.approx(level(bed, 3, 4), abs=0.2)


def test_a_film_without_voice_is_its_music_at_the_same_loudness(run):
    facts = make(run, 8, music=CALM)
    assert loudness(stored(run, facts))[0] == pytest.approx(SOUND.loudness, abs=0.3)
    assert level(decoded(run, facts), 2, 5) > -30


def test_a_film_with_neither_is_digital_silence_and_says_so(run):
    facts = make(run, 2)
    assert facts.loudness == -70.0
    assert facts.true_peak == -120.0
    assert not decoded(run, facts).any()


@pytest.mark.parametrize("seconds", [0.5, 1 / 30, 3.7])
@pytest.mark.parametrize("music", [CALM, None], ids=["bed", "no bed"])
def test_it_lasts_exactly_as_long_as_the_frames(run, music, seconds):
    facts = make(run, seconds, music=music)
    wanted = round(seconds * SOUND.fps) * samples_per_frame(SOUND.fps)
    assert len(decoded(run, facts)) == wanted
    with av.open(str(stored(run, facts))) as container:
        stream = container.streams.audio[0]
        assert (stream.duration, stream.time_base.denominator, stream.start_time) == (wanted, SAMPLE_RATE, 0)
        assert (stream.codec_context.name, stream.codec_context.channels) == ("aac", 2)


@pytest.mark.parametrize("start", [0, 1, 48_000, 100_001])
def test_a_narration_lies_at_its_sample(run, say, start):
    narration = say(0).model_copy(update={"start": start})
    sound = decoded(run, make(run, 8, narration))[:, 0]
    spoken = _samples_of(run, narration)
    window = 24_000
    near = sound[max(0, start - 50) : start + window + 50]
    match = np.correlate(near, spoken[:window], "valid")
    assert abs(int(match.argmax()) - min(start, 50)) <= 1


def _samples_of(run: StepRun, narration: PlacedNarration) -> np.ndarray:
    return np.frombuffer(run.read(narration.audio)[44:], "<i2") / 32768


def test_between_narrations_there_is_silence_when_there_is_no_bed(run, say):
    narration = say(1)
    end = 1 + narration.samples / SAMPLE_RATE
    sound = decoded(run, make(run, 10, narration))
    assert level(sound, 0, 0.9) < -80
    assert level(sound, end + 0.1, 10) < -80
    assert level(sound, 1, end) > -30


def test_a_narration_that_reaches_over_the_end_is_cut_there(run, say):
    assert len(decoded(run, make(run, 2, say(1.5)))) == 2 * SAMPLE_RATE


def test_the_bed_goes_down_under_the_voice_and_comes_back(run, say):
    """The same bed with the voice present but inaudible shows what the ducking does to it."""
    tone = MusicCue(mood="calm", seed=0, media=user_music(run, "wav", "audio/wav", seconds=20))
    mute = say(6, "—").model_copy(update={"samples": 4 * SAMPLE_RATE})
    sound = decoded(run, make(run, 20, mute, music=tone))
    before, under, after = level(sound, 3, 5), level(sound, 7, 9.9), level(sound, 12.5, 15)
    assert under - before == pytest.approx(VOICE - UNDER_VOICE - MUSIC, abs=1.5)
    assert after == pytest.approx(before, abs=0.5)
    # Down before the voice begins, and never a step that could be heard as one.
    assert level(sound, 6.0, 6.2) < before - 6
    steps = [level(sound, at, at + 0.1) for at in np.arange(3, 15, 0.1)]
    assert np.abs(np.diff(steps)).max() < 4


@pytest.mark.parametrize("volume", [1.0, 2.0])
def test_the_voice_stays_well_above_the_bed(run, say, volume):
    narration = say(2)
    end = 2 + narration.samples / SAMPLE_RATE
    music = user_music(run, "wav", "audio/wav", seconds=12)
    both = decoded(run, make(run, 12, narration, music=MusicCue(mood="calm", seed=0, media=music, volume=volume)))
    spectrum = np.abs(np.fft.rfft(both[int(2 * SAMPLE_RATE) : int(end * SAMPLE_RATE), 0])) ** 2
    frequency = np.fft.rfftfreq(int(end * SAMPLE_RATE) - 2 * SAMPLE_RATE, 1 / SAMPLE_RATE)
    bed = spectrum[(abs(frequency - 220) < 1.5) | (abs(frequency - 331) < 1.5)].sum()
    assert 10 * np.log10(spectrum.sum() / bed) > 9


def test_a_volume_of_nothing_is_no_bed(run, say):
    facts = make(run, 6, say(3, "Yes."), music=CALM.model_copy(update={"volume": 0.0}))
    assert level(decoded(run, facts), 0, 2.9) < -80
    assert facts.music is None


def test_the_bed_is_kept_alone_and_adds_up_with_the_voice_to_the_film(run, say):
    """But for one gain for all of it, which a limiter that has nothing to do leaves alone."""
    narration = say(2)
    facts = make(run, 10, narration, music=CALM)
    assert facts.music is not None
    raw = ffmpeg("-i", run.fetch(facts.music, "music.flac"), "-f", "f32le", "-").stdout
    bed, film = np.frombuffer(raw, np.float32).reshape(-1, 2), decoded(run, facts)
    assert len(bed) == len(film) == 10 * SAMPLE_RATE
    both = bed.astype(np.float64)
    both[narration.start : narration.start + narration.samples] += _samples_of(run, narration)[:, None]
    gain = (both * film).sum() / (both**2).sum()
    assert level(film - gain * both, 0, 10) < level(film, 0, 10) - 15
    assert level(film - gain * both, 7, 9) < level(film, 7, 9) - 15


@pytest.mark.parametrize(
    ("suffix", "media_type", "encoding"),
    [
        ("mp3", "audio/mpeg", ["-ac", "1"]),
        ("m4a", "audio/mp4", ["-ac", "2"]),
        ("mp4", "video/mp4", []),
        ("ogg", "audio/ogg", ["-c:a", "libvorbis"]),
        ("flac", "audio/flac", ["-ar", "22050"]),
        ("wav", "audio/wav", ["-c:a", "pcm_s24le", "-ar", "96000"]),
        ("avi", "video/x-msvideo", ["-c:a", "pcm_s16le"]),
    ],
)
def test_the_users_file_is_played_over_and_over_without_a_gap(run, suffix, media_type, encoding):
    media = user_music(run, suffix, media_type, *encoding)
    sound = decoded(run, make(run, 14, music=MusicCue(mood="calm", seed=0, media=media)))
    levels = [level(sound, at, at + 0.1) for at in np.arange(1, 11, 0.1)]
    assert min(levels) > max(levels) - 8
    jumps = np.abs(np.diff(sound[SAMPLE_RATE : 11 * SAMPLE_RATE], axis=0)).max()
    assert jumps < 0.05


def test_the_users_file_is_faded_at_both_ends_of_the_film(run):
    media = user_music(run, "wav", "audio/wav", seconds=30)
    sound = decoded(run, make(run, 10, music=MusicCue(mood="calm", seed=0, media=media)))
    middle = level(sound, 4, 6)
    assert level(sound, 0, 0.1) < middle - 10
    assert level(sound, 9.9, 10) < middle - 20
    assert level(sound, 8.0, 8.2) < middle - 0.5


@pytest.mark.parametrize(
    ("data", "media_type"),
    [
        (b"this is no music" * 100, "audio/mpeg"),
        (b"", "audio/wav"),
        (b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", "audio/mpeg"),
        (b"ffconcat version 1.0\nfile /etc/passwd\n", "audio/ogg"),
        (b"anything", "application/x-mpegurl"),
    ],
)
def test_a_file_that_is_no_music_is_refused_by_name(run, data, media_type):
    media = run.keep_bytes("upload", data, media_type)
    with pytest.raises(BadMedia, match="music"):
        make(run, 2, music=MusicCue(mood="calm", seed=0, media=media))


def test_a_click_is_refused_as_music_however_often_it_could_be_played(run):
    media = user_music(run, "wav", "audio/wav", seconds=0.3)
    with pytest.raises(BadMedia, match="shorter than half a second"):
        make(run, 2, music=MusicCue(mood="calm", seed=0, media=media))


def test_of_silences_that_a_log_has_lost_in_part_the_whole_ones_are_told():
    lines = [f"[silencedetect @ 0x1] silence_{edge}: {at}" for at, edge in ((1, "end"), (4, "start"), (8.5, "end"))]
    assert silences("\n".join(lines)) == [(4.0, 8.5)]


def test_equal_specs_give_equal_bytes(run, tmp_path):
    first = make(run, 3, music=CALM)
    (tmp_path / "again").mkdir()
    assert make(step_run(tmp_path / "again"), 3, music=CALM).media == first.media


def test_a_mix_that_was_called_off_stores_nothing(run):
    run.call_off()
    with pytest.raises(Stopped):
        make(run, 3, music=CALM)
    assert list(run.storage.list("assets")) == []


# passes


@pytest.fixture
def passes(monkeypatch) -> list[str]:
    """The output of each run of ffmpeg that a mix takes."""
    outputs: list[str] = []

    def counted(program, arguments, *rest, **more):
        outputs.append(arguments[-1])
        return run_ffmpeg(program, arguments, *rest, **more)

    monkeypatch.setattr("renderer.sound.mastering.run_ffmpeg", counted)
    monkeypatch.setattr("renderer.sound.bed.run_ffmpeg", counted)
    monkeypatch.setattr("renderer.sound.excerpts.run_ffmpeg", counted)
    return outputs


def test_a_mix_without_peaks_takes_a_pass_to_measure_one_to_encode_and_one_to_check_beside_the_bed_alone(run, passes):
    media = user_music(run, "wav", "audio/wav", seconds=12)
    make(run, 12, music=MusicCue(mood="calm", seed=0, media=media))
    assert passes == ["bed.raw", "-", "mix.m4a", "-", "music.flac"]


def claps(seconds: float) -> np.ndarray:
    """Sound with peaks so far above its loudness that no gain alone brings it to the target."""
    time = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    noise = np.convolve(np.random.default_rng(1).standard_normal(len(time)), np.hanning(12) / 3, "same")
    return 0.3 * noise * np.exp(-40 * (time % 0.4)) + 0.02 * np.sin(2 * np.pi * 220 * time)


def narration_of(run: StepRun, sound: np.ndarray, start: int = 0) -> PlacedNarration:
    """Sound between -1 and 1 as a narration."""
    data = io.BytesIO()
    with wave.open(data, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes((np.clip(sound, -1, 1) * 32767).astype("<i2").tobytes())
    return PlacedNarration(
        audio=run.keep_bytes("narration", data.getvalue(), "audio/wav"), start=start, samples=len(sound)
    )


def test_peaks_are_limited_and_the_loudness_met_with_one_encoding(run, passes):
    """The voice is measured, then the film, and then gains are tried."""
    facts = make(run, 15, narration_of(run, claps(14)))
    assert passes in (["-", "-", *["-"] * trials, "mix.m4a", "-"] for trials in (1, 2, 3, 4))
    integrated, peak = loudness(stored(run, facts))
    assert integrated == pytest.approx(SOUND.loudness - BELOW_PLAN, abs=0.3)
    assert peak <= SOUND.true_peak


# transitions


def test_the_bed_dips_with_the_picture_and_nothing_clicks(run):
    music = MusicCue(mood="calm", seed=0, media=user_music(run, "wav", "audio/wav", seconds=20))
    dip = Span(start=150, end=162)
    plain, dipped = decoded(run, make(run, 12, music=music)), decoded(run, make(run, 12, music=music, dips=(dip,)))
    at = 156 / SOUND.fps
    deep = level(plain, at - 0.05, at + 0.05) - level(dipped, at - 0.05, at + 0.05)
    assert 6 < deep < 10
    assert level(plain, 4, 4.6) == pytest.approx(level(dipped, 4, 4.6), abs=0.3)
    assert level(plain, 6, 7) == pytest.approx(level(dipped, 6, 7), abs=0.3)
    assert level(dipped, at - 0.02, at + 0.02) > -60
    assert np.abs(np.diff(dipped[3 * SAMPLE_RATE : 8 * SAMPLE_RATE], axis=0)).max() < 0.05


def test_a_narration_that_begins_and_ends_loud_does_not_click(run):
    """What a narration that was cut out of speech is like: it begins and ends in the middle of a wave."""
    tone = 0.3 * np.cos(2 * np.pi * 200 * np.arange(2 * SAMPLE_RATE + 120) / SAMPLE_RATE)
    sound = decoded(run, make(run, 4, narration_of(run, tone, start=SAMPLE_RATE)))[:, 0]
    steady = np.abs(np.diff(sound[int(1.5 * SAMPLE_RATE) : int(2.5 * SAMPLE_RATE)])).max()
    assert np.abs(np.diff(sound)).max() < 1.3 * steady


# what is told


def test_a_film_that_is_to_be_silent_is_not_found_fault_with(run):
    report = make(run, 4).report
    assert report.silent == (Span(start=0, end=120),)
    assert report.problems == ()


def test_a_film_whose_narrations_cannot_be_heard_says_so(run):
    facts = make(run, 6, narration_of(run, np.zeros(5 * SAMPLE_RATE)))
    assert facts.report.problems == ("nothing is heard in the whole film",)


def test_a_narration_that_falls_silent_is_told(run):
    said = claps(10)
    said[3 * SAMPLE_RATE : 8 * SAMPLE_RATE] = 0
    facts = make(run, 12, narration_of(run, said, start=SAMPLE_RATE))
    assert [
        problem for problem in facts.report.problems if re.fullmatch(r"nothing .* narration for [45]\.\d s", problem)
    ]
    (silent,) = facts.report.silent
    assert silent.start == pytest.approx(4 * 30, abs=16)
    assert silent.end == pytest.approx(9 * 30, abs=2)


def test_the_silence_between_two_narrations_is_heard_and_is_no_fault(run, say):
    report = make(run, 16, say(0.2, "One."), say(14, "Two.")).report
    assert len(report.silent) == 1
    assert report.problems == ()


def test_a_clipped_voice_is_told(run):
    shout = 2.5 * np.sin(2 * np.pi * 220 * np.arange(4 * SAMPLE_RATE) / SAMPLE_RATE)
    report = make(run, 6, narration_of(run, shout)).report
    assert report.clipped > 100_000
    assert re.fullmatch(r"the voice is clipped: \d+ samples .*", *report.problems)


def test_an_ordinary_film_has_no_problem(run, say):
    report = make(run, 10, say(0.5), music=CALM).report
    assert report == SoundReport()
