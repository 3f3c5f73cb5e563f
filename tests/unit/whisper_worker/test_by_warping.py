"""The aligner against espeak-ng: other voices than the one it compares with, and what people do to recordings."""

from collections.abc import Callable

import numpy as np
import pytest

from common.contracts.storyboard import words_of
from common.settings import Settings
from tests.support.speech import hummed
from whisper_worker.align import BySound, ByWarping, make_aligner
from whisper_worker.align.features import BANDS, HOP, Frames, frames_of
from whisper_worker.align.matching import CLOSE_BAND, NEAR, POOL, ROUGH_BAND, SLICE, match
from whisper_worker.align.pauses import pauses
from whisper_worker.align.reference import LEAST, pieces
from whisper_worker.tts.espeak import Espeak
from whisper_worker.tts.port import Manner, Speech

TEXT = (
    "Every spring, thousands of birds return to the same narrow island off the northern coast. They come from as far "
    "away as Africa, guided by the stars, the wind and the memory of the land below."
)
OTHER = "Bees are among the most important animals on earth. A single colony can visit two million flowers in a year."
Change = Callable[[np.ndarray, int], np.ndarray]


@pytest.fixture(scope="module")
def engine() -> Espeak:
    return Espeak(Settings())


@pytest.fixture(scope="module")
def aligner(engine: Espeak) -> ByWarping:
    return ByWarping(engine, BySound())


def spoken(engine: Espeak, text: str = TEXT, language: str = "en", voice: str = "f3", pace: float = 1.0) -> Speech:
    return engine.speak(text, language, voice, Manner(pace))


def errors(aligner: ByWarping, speech: Speech, text: str = TEXT, language: str = "en") -> np.ndarray:
    """Milliseconds between the starts that the aligner finds and those that the engine told."""
    timed = aligner.timed(speech._replace(words=None), text, language)
    assert timed.by == "dtw"
    told = [word.start for word in speech.words or ()]
    return np.abs(1000 * (np.array([word.start for word in timed.words]) - np.array(told)))


def with_noise(speech: Speech, below: float) -> Speech:
    noise = np.random.default_rng(5).standard_normal(len(speech.samples))
    loud = np.sqrt(np.mean(speech.samples**2)) * 10 ** (-below / 20)
    return speech._replace(samples=(speech.samples + noise * loud).astype(np.float32))


@pytest.mark.parametrize(
    ("voice", "pace"), [("f3", 1.2), ("edward", 0.7), ("en-gb-scotland+m7", 1.0), ("en-gb+annie", 1.5)]
)
def test_other_voices_accents_and_speeds_are_timed_to_a_few_frames(engine, aligner, voice, pace) -> None:
    found = errors(aligner, spoken(engine, voice=voice, pace=pace))
    assert np.median(found) < 15
    assert np.percentile(found, 95) < 60


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("de", "Vor langer Zeit formte das Meer diese stillen Klippen. Niemand sieht die Boote gehen."),
        ("es", "Hace mucho tiempo, el mar dio forma a estos acantilados. Nadie ve partir los barcos."),
    ],
)
def test_other_languages_are_read_as_theirs(engine, aligner, language, text) -> None:
    found = errors(aligner, spoken(engine, text, language, "f2", 1.1), text, language)
    assert np.median(found) < 15


def test_noise_costs_little(engine, aligner) -> None:
    found = errors(aligner, with_noise(spoken(engine), 10))
    assert np.median(found) < 25
    assert np.percentile(found, 95) < 150


def test_pauses_that_the_reader_does_not_make_move_the_words_after_them(engine, aligner) -> None:
    speech = spoken(engine)
    assert speech.words is not None
    at = next(word.start for word in speech.words if word.text == "return")
    samples = np.insert(speech.samples, int(at * speech.rate), np.zeros(speech.rate, np.float32))
    words = [word._replace(start=word.start + (word.start >= at)) for word in speech.words]
    found = errors(aligner, speech._replace(samples=samples, words=words))
    assert np.median(found) < 15
    assert found[next(n for n, word in enumerate(words) if word.text == "return")] < 40


def test_pauses_that_the_reader_makes_may_be_missing(engine, aligner) -> None:
    speech = spoken(engine)
    assert speech.words is not None
    stop = next(word for word in speech.words if word.text == "coast.")
    begin, end = (int((stop.end + seconds) * speech.rate) for seconds in (0.0, 0.25))
    samples = np.delete(speech.samples, np.s_[begin:end])
    gone = (end - begin) / speech.rate
    words = [word._replace(start=word.start - gone * (word.start > stop.start)) for word in speech.words]
    assert np.median(errors(aligner, speech._replace(samples=samples, words=words))) < 15


def test_more_may_be_said_than_the_text_has(engine, aligner) -> None:
    speech, more = spoken(engine), spoken(engine, OTHER)
    assert speech.words is not None
    gap = np.zeros(speech.rate // 3, np.float32)
    samples = np.concatenate([more.samples, gap, speech.samples, gap, more.samples])
    before = (len(more.samples) + len(gap)) / speech.rate
    words = [word._replace(start=word.start + before) for word in speech.words]
    found = errors(aligner, speech._replace(samples=samples, words=words))
    assert np.median(found) < 30
    assert (found[3:-3] < 300).all()


def test_less_may_be_said_than_the_text_has(engine, aligner) -> None:
    speech = spoken(engine)
    text = f"Listen now. {TEXT} Nobody knows why."
    words = aligner.timed(speech._replace(words=None), text, "en")
    assert words.by == "dtw"
    told = np.array([word.start for word in speech.words or ()])
    found = np.array([word.start for word in words.words])[2:-3]
    assert np.median(np.abs(found - told)) < 0.015
    assert (np.abs(found[2:-2] - told[2:-2]) < 0.3).all()


def test_another_text_is_timed_by_sound_alone(engine, aligner) -> None:
    speech = spoken(engine, OTHER)._replace(words=None)
    timed = aligner.timed(speech, TEXT, "en")
    assert timed.by == "sound"
    assert timed.words == BySound().align(speech, TEXT, "en")


@pytest.mark.parametrize("samples", [hummed(TEXT, 110, 1.0), np.zeros(16_000, np.float32)], ids=["hum", "silence"])
def test_sound_that_is_no_speech_is_timed_by_sound_alone(aligner, samples) -> None:
    assert aligner.timed(Speech(samples, 16_000, None, ""), TEXT, "en").by == "sound"


@pytest.mark.parametrize("language", ["ja", "zxx", "no-such"])
def test_a_language_that_nobody_reads_is_timed_by_sound_alone(engine, aligner, language) -> None:
    assert aligner.timed(spoken(engine)._replace(words=None), TEXT, language).by == "sound"


def test_a_text_with_nothing_to_pronounce_is_timed_by_sound_alone(engine, aligner) -> None:
    assert aligner.timed(spoken(engine), "— … 😀", "en").by == "sound"


def test_a_long_recording_is_aligned_as_a_whole(engine, aligner) -> None:
    text = " ".join([TEXT, OTHER] * 4)
    speech = spoken(engine, text, voice="edward", pace=1.2)
    assert len(speech.samples) / speech.rate > SLICE * HOP * 2
    found = errors(aligner, speech, text)
    assert np.median(found) < 15
    assert np.percentile(found, 95) < 60


def test_the_aligner_that_is_made_compares(aligner) -> None:
    assert make_aligner(Settings()).name == aligner.name == "dtw"


def frames(seconds: float, seed: int) -> Frames:
    chance = np.random.default_rng(seed)
    count = int(seconds / HOP)
    changes = np.repeat(chance.standard_normal((count // 10, BANDS)), 10, axis=0).astype(np.float32)
    return Frames(changes, changes.mean(axis=1) + 20)


def test_the_matrices_grow_with_the_length_and_not_with_its_square() -> None:
    sound = frames(110, 1)
    most = max((SLICE + 2 * NEAR) * CLOSE_BAND, (110 / (POOL * HOP) + 1) * ROUGH_BAND)
    assert match(sound, sound).cells <= most < len(sound.loudness) ** 2 / 60


def test_frames_are_the_same_whether_they_are_computed_at_once_or_in_blocks(engine) -> None:
    samples, rate = spoken(engine, f"{TEXT} {OTHER}").samples, 22_000
    late = 3 * rate
    whole, part = frames_of(samples, rate), frames_of(samples[late:], rate)
    assert len(whole.loudness) > 2000
    assert np.allclose(whole.bands[610:2400], part.bands[10:1800], atol=1e-3)


def test_pauses_are_where_nothing_is_heard(engine) -> None:
    speech = spoken(engine, "One. Two. Three.")
    found = pauses(frames_of(speech.samples, speech.rate).loudness)
    ends = [pause.end * HOP for pause in found]
    assert ends == pytest.approx([word.start for word in (speech.words or ())[1:]], abs=0.06)


@pytest.mark.parametrize("text", ["", " ", "One. ", f"{TEXT} " * 9, "word " * 500, "a.b " * 300, '"Go!" ' * 200])
def test_pieces_have_all_words_of_a_text_and_end_with_a_sentence(text: str) -> None:
    found = list(pieces(text))
    assert [word for piece in found for word in words_of(piece)] == words_of(text)
    for piece in found[:-1]:
        assert len(piece) >= LEAST
        assert piece.rstrip('"')[-1] in ".!?"
