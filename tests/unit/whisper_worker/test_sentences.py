"""Speech of a model that speaks phonemes; the model here spells, and its sound says how long each sign is."""

from collections.abc import Sequence

import numpy as np
import pytest

from common.contracts.storyboard import words_of
from whisper_worker.tts.sentences import AFTER_A_SENTENCE, LONGEST, Sound, spoken

RATE = 1000
PER_SIGN = 50
"Samples."


class Speller:
    """Letters are loud, all other signs are not; a sentence ends at a full stop."""

    rate = RATE
    language = "xx"

    def __init__(self, tells: bool = True) -> None:
        self.tells = tells
        self.said: list[str] = []

    def phonemes(self, text: str) -> list[list[str]]:
        parts = [part.strip() for part in text.replace(".", ".\n").split("\n")]
        return [list(part) for part in parts if part]

    def sound(self, phonemes: Sequence[str], pace: float) -> Sound:
        self.said.append("".join(phonemes))
        loud = np.repeat([0.5 if sign.isalnum() else 0.0 for sign in phonemes], round(PER_SIGN / pace))
        edges = np.arange(len(phonemes)) * round(PER_SIGN / pace)
        return Sound(loud.astype(np.float32), edges if self.tells else None)


def test_each_word_begins_with_its_first_sound():
    _, words = spoken(Speller(), "one  two", 1.0)
    assert [(word.text, round(word.start, 3)) for word in words or ()] == [("one", 0.0), ("two", 0.2)]


def test_sentences_are_apart_by_a_pause_that_goes_with_the_pace():
    for pace in (0.5, 1.0, 2.0):
        samples, words = spoken(Speller(), "One. Two.", pace)
        (one, two) = words or ()
        assert two.start - one.end == pytest.approx(AFTER_A_SENTENCE / pace + 0.06, abs=0.011)
        assert len(samples) / RATE >= two.end


def test_a_model_that_does_not_tell_leaves_the_times_to_an_aligner():
    samples, words = spoken(Speller(tells=False), "One two.", 1.0)
    assert words is None
    assert samples.max() > 0.1


@pytest.mark.parametrize("text", ["word " * 500, "word, " * 500, "word. " * 500, "w" * 3000, "w" * 500 + " a"])
def test_a_long_text_is_spoken_in_parts_and_every_word_once(text):
    model = Speller()
    _, words = spoken(model, text, 1.0)
    assert max(len(said) for said in model.said) <= max(LONGEST, max(map(len, words_of(text))))
    assert " ".join(model.said).split() == words_of(text)
    assert [word.text for word in words or ()] == words_of(text)


def test_a_long_sentence_is_cut_at_a_comma_where_it_has_one():
    model = Speller()
    spoken(model, ("long words " * 25 + "here, ") * 4, 1.0)
    assert [said[-1] for said in model.said] == [","] * len(model.said)
    assert len(model.said) > 1


@pytest.mark.parametrize("text", ["", " ", "...", "— —"])
def test_nothing_to_pronounce_is_a_short_silence(text):
    samples, words = spoken(Speller(), text, 1.0)
    assert 0.1 < len(samples) / RATE < 1.0
    assert not samples.any()
    assert [word.text for word in words or ()] == words_of(text)
