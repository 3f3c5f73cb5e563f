"""A narration is read back: spoken again if it is not understood, and timed by what was heard."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain, repeat
from pathlib import Path

import numpy as np
import pytest

from common.contracts.steps import SpeakSpec
from common.errors import Misread, NotConfigured
from tests.support.speech import Hummer
from tests.support.steprun import step_run
from whisper_worker.align import BySound
from whisper_worker.ears import ENGINE, Ears
from whisper_worker.recognition.port import Heard
from whisper_worker.speak import SLOWER, speak
from whisper_worker.tts.port import AS_IT_IS, Manner, Speech, SpokenWord

TEXT = "The tide comes and the tide goes"
RIGHT, WRONG = TEXT, "Bright is calm and tight coats"


@dataclass
class Listener:
    """Hears the given texts in turn, and the last one for ever; each word takes a tenth of a second."""

    hears: list[str]
    name: str = "listener"
    version: str = "1"
    asked: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._texts: Iterator[str] = chain(self.hears, repeat(self.hears[-1]))

    def knows(self, language: str) -> bool:
        return language.startswith("en")

    def hear(self, samples: np.ndarray, rate: int, language: str | None) -> Heard:
        self.asked.append(len(samples))
        words = [SpokenWord(text, place / 10, place / 10 + 0.1) for place, text in enumerate(next(self._texts).split())]
        return Heard(language or "en", words)


class Deaf(Listener):
    def hear(self, samples: np.ndarray, rate: int, language: str | None) -> Heard:
        raise NotConfigured("the model cannot be loaded")


class Timer(Hummer):
    """Knows when its words are heard, and remembers how fast it was to speak."""

    def __init__(self) -> None:
        super().__init__()
        self.paces: list[float] = []

    def speak(self, text: str, language: str, voice: str | None, manner: Manner = AS_IT_IS) -> Speech:
        self.paces.append(manner.pace)
        speech = super().speak(text, language, voice, manner)
        return speech._replace(words=BySound().align(speech, text, language))


def spec(language: str = "en", text: str = TEXT, lenient: bool = False) -> SpeakSpec:
    return SpeakSpec(text=text, language=language, voice=None, pace=1.0, lenient=lenient)


def test_what_is_understood_is_spoken_once_and_its_figure_kept(tmp_path: Path) -> None:
    engine, listener = Timer(), Listener([RIGHT])
    narration = speak(spec(), step_run(tmp_path), engine, Ears(BySound(), listener))
    assert (narration.misread, narration.timed_by, engine.paces) == (0.0, ENGINE, [1.0])


def test_what_is_not_understood_is_spoken_once_more_and_slower(tmp_path: Path) -> None:
    engine, listener = Timer(), Listener([WRONG, RIGHT])
    narration = speak(spec(), step_run(tmp_path), engine, Ears(BySound(), listener))
    assert (narration.misread, engine.paces) == (0.0, [1.0, SLOWER])
    assert listener.asked[0] < listener.asked[1]


def test_an_engine_that_is_not_understood_twice_is_told(tmp_path: Path) -> None:
    with pytest.raises(Misread, match=r"hum is hard to understand: \d+% of the words are heard as others"):
        speak(spec(), step_run(tmp_path), Timer(), Ears(BySound(), Listener([WRONG])))


def test_where_no_engine_is_left_the_better_try_is_taken(tmp_path: Path) -> None:
    engine, listener = Timer(), Listener([WRONG, "The tide is calm and tight coats"])
    narration = speak(spec(lenient=True), step_run(tmp_path), engine, Ears(BySound(), listener))
    assert narration.misread == pytest.approx(5 / 7, abs=0.001)
    assert len(engine.paces) == 2


def test_a_few_words_are_not_judged(tmp_path: Path) -> None:
    narration = speak(spec(text="Stop. Go."), step_run(tmp_path), Timer(), Ears(BySound(), Listener(["Shop. Know."])))
    assert narration.misread == 1.0


@pytest.mark.parametrize(
    ("listener", "language", "reads_back"),
    [
        (Listener([WRONG]), "de", True),
        (Listener([WRONG]), "en", False),
        (Deaf([WRONG]), "en", True),
        (None, "en", True),
    ],
    ids=["another language", "switched off", "a model that is missing", "no recogniser"],
)
def test_a_narration_that_nobody_listens_to_is_spoken_all_the_same(
    listener: Listener | None, language: str, reads_back: bool, tmp_path: Path
) -> None:
    engine = Timer()
    narration = speak(spec(language), step_run(tmp_path), engine, Ears(BySound(), listener, reads_back))
    assert (narration.misread, narration.timed_by, engine.paces) == (None, ENGINE, [1.0])


@pytest.mark.parametrize(
    ("listener", "language", "timed_by"),
    [
        (Listener([RIGHT]), "en", "listener"),
        (Listener([RIGHT]), "de", "sound"),
        (Listener([WRONG]), "en", "sound"),
        (Deaf([RIGHT]), "en", "sound"),
        (None, "en", "sound"),
    ],
)
def test_times_that_the_engine_does_not_know_come_from_the_recogniser_or_else_the_aligner(
    listener: Listener | None, language: str, timed_by: str, tmp_path: Path
) -> None:
    ears = Ears(BySound(), listener, reads_back=False)
    narration = speak(spec(language, lenient=True), step_run(tmp_path), Hummer(), ears)
    assert narration.timed_by == timed_by
    assert [word.text for word in narration.words] == TEXT.split()
    if timed_by == "listener":
        assert [word.start for word in narration.words] == [place * 4_800 for place in range(7)]


def test_silence_is_not_listened_to(tmp_path: Path) -> None:
    listener = Listener([WRONG])
    silent = Speech(np.zeros(16_000, np.float32), 16_000, [], "none")
    assert Ears(BySound(), listener).read_back(silent, TEXT, "en").misread is None
    assert listener.asked == []
