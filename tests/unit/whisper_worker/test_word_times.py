"""From frames that match to the times of words."""

from itertools import pairwise

import numpy as np
import pytest

from whisper_worker.align.features import HOP
from whisper_worker.align.matching import Match
from whisper_worker.align.pauses import Pause
from whisper_worker.align.words import times_of


def timed(begins: list[float], silences: list[tuple[float, float]], total: float = 4.0) -> list[tuple[float, float]]:
    """Words that begin at these seconds of a recording that is frame by frame the reference, with these pauses."""
    frames = np.arange(round(total / HOP))
    found = times_of(
        [str(number) for number in range(len(begins))],
        np.array(begins) / HOP,
        Match(frames, frames, 0.5, 0),
        [Pause(round(begin / HOP), round(end / HOP)) for begin, end in silences],
        total,
    )
    return [(round(word.start, 3), round(word.end, 3)) for word in found]


def test_words_without_pauses_follow_each_other() -> None:
    assert timed([0.0, 1.0, 2.5], []) == [(0.0, 1.0), (1.0, 2.5), (2.5, 4.0)]


@pytest.mark.parametrize("about", [1.45, 1.6, 1.97, 2.0, 2.04, 2.09])
def test_a_word_near_a_pause_begins_when_it_is_over(about: float) -> None:
    assert timed([0.0, about], [(1.5, 2.0)]) == [(0.0, 1.51), (2.0, 4.0)]


def test_of_two_words_near_a_pause_the_one_nearest_to_its_end_comes_after_it() -> None:
    assert timed([0.0, 1.47, 2.02], [(1.5, 2.0)])[1:] == [(1.47, 1.51), (2.0, 4.0)]


def test_a_pause_within_a_word_is_part_of_it() -> None:
    assert timed([0.0, 3.0], [(1.0, 1.2)]) == [(0.0, 3.0), (3.0, 4.0)]


def test_the_silence_at_the_end_belongs_to_no_word_and_none_begins_after_it() -> None:
    assert timed([0.0, 2.98], [(3.0, 4.0)]) == [(0.0, 2.98), (2.98, 3.01)]


def test_the_first_word_begins_after_the_silence_at_the_start() -> None:
    assert timed([0.0, 2.0], [(0.0, 0.5)]) == [(0.5, 2.0), (2.0, 4.0)]


def test_words_that_were_not_said_are_kept_apart_within_the_sound() -> None:
    found = timed([1.0, 9.0, 9.0, 9.0], [])
    assert all(a[1] <= b[0] and a[0] < a[1] for a, b in pairwise(found))
    assert found[-1][1] <= 4.0
