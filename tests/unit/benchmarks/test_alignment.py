"""The recordings of `reel bench alignment`, and what is told from them."""

import numpy as np
import pytest

from benchmarks import alignment
from benchmarks.alignment import festival
from benchmarks.alignment.recordings import FEW, GAP, MORE, Recording, noisy, of_espeak, said_less, said_more
from benchmarks.alignment.texts import ENGLISH, long_text
from benchmarks.report import Scope, Table
from common.contracts.storyboard import words_of
from common.settings import Settings
from whisper_worker.tts.espeak import Espeak

RATE = 1000


def recording(*starts: float, seconds: float = 10.0) -> Recording:
    """Of words that are loud for a quarter of a second from each start."""
    samples = np.zeros(int(seconds * RATE), np.float32)
    for start in starts:
        samples[int(start * RATE) : int((start + 0.25) * RATE)] = 0.5
    text = " ".join("word" for _ in starts)
    return Recording("hum", text, "en", samples, RATE, list(starts))


def test_starts_after_pauses_are_held_against_the_sound() -> None:
    one = recording(0.0, 1.0, 2.0)
    late = one._replace(starts=[0.0, 1.02, 1.99])
    assert alignment._from_sound(late) == pytest.approx([20, -10], abs=1)


def test_a_guess_shares_the_sound_by_length() -> None:
    one = recording(0.0, 1.0, 2.0, 3.0, seconds=8.0)
    assert alignment._guessed(one) == pytest.approx([0, 2, 4, 6])


def test_more_that_is_said_moves_the_starts() -> None:
    one, other = recording(0.5, 2.0), recording(1.0)
    more = said_more(one, other)
    assert more.starts == pytest.approx([0.5 + MORE + GAP, 2.0 + MORE + GAP])
    assert more.text == one.text
    assert len(more.samples) == len(one.samples) + 2 * (MORE + GAP) * RATE


def test_less_that_is_said_leaves_words_without_a_start() -> None:
    less = said_less(recording(0.5, 2.0), recording(*np.arange(0, 5, 0.5)))
    assert len(words_of(less.text)) == len(less.starts) == 2 + 2 * FEW
    assert np.flatnonzero(~np.isnan(less.starts)).tolist() == [FEW, FEW + 1]


def test_noise_is_the_same_every_time_and_moves_nothing() -> None:
    one = recording(0.5, 2.0)
    assert np.array_equal(noisy(one).samples, noisy(one).samples)
    assert noisy(one).starts == one.starts
    assert not np.array_equal(noisy(one).samples, one.samples)


def test_every_recording_of_espeak_has_a_start_for_each_word() -> None:
    for one in of_espeak(Espeak(Settings()), 1):
        assert len(one.starts) == len(words_of(one.text))


def test_a_long_text_is_as_long_as_asked_and_has_all_sentences() -> None:
    text = long_text(4000)
    assert 4000 <= len(text) < 4200
    for part in ENGLISH:
        assert part.split(".")[0] in text


@pytest.mark.slow
def test_the_quick_benchmark_has_every_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(festival, "is_there", lambda: False)
    said: list[str] = []
    report = alignment.measure(Scope(quick=True), said.append)
    assert festival.MISSING in said
    assert [bool(table.rows) for table in report.tables] == [True] * 4
    assert all(isinstance(table, Table) for table in report.tables)
    assert all(check.passed for check in report.checks), report.text()
