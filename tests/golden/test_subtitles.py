"""The subtitle files of a film with two narrated scenes, as a player gets them."""

import pytest

from common.captions import cues, srt, vtt
from common.contracts.narration import Word
from common.contracts.timeline import TextFrame
from tests.support.golden import check_golden

# First frame and frames of each scene, and what is said in it from 0.3 seconds on.
SPOKEN = (
    (0, 264, "The lighthouse was built in 1852. Its lamp, says Dr. Hale, can be seen from thirty miles away."),
    (264, 156, "Who keeps it now? Nobody <knows> & nobody asks."),
)


def said(start: float, text: str) -> tuple[Word, ...]:
    """Words of 0.4 s each, one after the other."""
    times = [round((start + index * 0.4) * 48_000) for index in range(len(text.split()) + 1)]
    return tuple(
        Word(text=word, start=begin, end=end) for word, begin, end in zip(text.split(), times, times[1:], strict=False)
    )


@pytest.mark.parametrize(("name", "width", "height"), [("wide", 1920, 1080), ("tall", 1080, 1920)])
def test_subtitle_files(name: str, width: int, height: int) -> None:
    look = TextFrame(style="cinematic", width=width, height=height)
    scenes = [(begin, cues(said(0.3, text), look, 30, frames)) for begin, frames, text in SPOKEN]
    found = [cue.later(begin) for begin, shown in scenes for cue in shown]
    check_golden(f"subtitles-{name}.vtt", vtt(found, 30))
    check_golden(f"subtitles-{name}.srt", srt(found, 30))
