"""The report on the captions of a scene: cues that overlap, and cues that are wider than their place. Pure."""

from collections.abc import Iterator, Sequence

from common.captions import MAX_LINES, Cue
from common.contracts.timeline import PictureReport, TextFrame
from renderer.text import fonts
from renderer.text.captions import drawn_lines
from renderer.text.design import caption_place


def with_captions(report: PictureReport, cues: Sequence[Cue], frame: TextFrame) -> PictureReport:
    """The report on a picture, with the faults of the captions on it added."""
    overlapping, overflowing = _overlapping(cues), _overflowing(cues, frame)
    problems = (*report.problems, *_problems(overlapping, overflowing))
    return report.model_copy(update={"overlapping": overlapping, "overflowing": overflowing, "problems": problems})


def _problems(overlapping: int, overflowing: int) -> Iterator[str]:
    if overlapping:
        yield f"{overlapping} captions are on screen while another one is"
    if overflowing:
        yield (
            "1 caption is wider than its place"
            if overflowing == 1
            else f"{overflowing} captions are wider than their place"
        )


def _overlapping(cues: Sequence[Cue]) -> int:
    """The number of cues that are on screen while another one is."""
    spans = sorted((cue.start, cue.end) for cue in cues)
    latest, clashes = 0, set()
    for index, (start, end) in enumerate(spans):
        if index and start < spans[latest][1]:
            clashes |= {latest, index}
        if not index or end > spans[latest][1]:
            latest = index
    return len(clashes)


def _overflowing(cues: Sequence[Cue], frame: TextFrame) -> int:
    """The number of cues that are wider than the safe area or have too many lines, by the font they are drawn in."""
    return sum(_overflows(cue, frame) for cue in cues)


def _overflows(cue: Cue, frame: TextFrame) -> bool:
    place, lines = caption_place(frame), drawn_lines(cue, frame.style)
    return len(lines) > MAX_LINES or max(fonts.width(line) * place.em for line in lines) > place.width
