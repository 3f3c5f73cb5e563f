"""Cues made from words with times, and subtitle files made from cues.

Pure. Times come in as samples and are snapped to frames here. The cues of a scene depend on nothing else, so that
burned-in captions and the files beside the film change on the same frames.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, pairwise
from typing import NamedTuple

from common.contracts.grid import SAMPLE_RATE, frame_at
from common.contracts.narration import Word
from common.contracts.timeline import TextFrame

MAX_LINES = 2
PAUSE = SAMPLE_RATE // 2
"A silence this long ends a cue."
SHORT = int(0.8 * SAMPLE_RATE)
"A sentence shorter than this shares its cue with the next, so that no cue flashes by."
HOLD = 0.4
"Seconds a cue stays after its last word."
BRIDGE = 0.8
"Seconds of silence a cue stays over to meet the next one."

_SENTENCE_END = re.compile(r"[.!?…。！？]+[\"'”’»)\]]*$")
_CLAUSE_END = re.compile(r"[,;:，、；：–—-][\"'”’»)\]]*$")
_TITLE = re.compile(r"^\W*(?:mr|mrs|ms|dr|st|prof|vs|\w)\.$", re.IGNORECASE)

_NARROW = frozenset("fijlrtI.,:;!'|()[]‘’“”\"-` ")
_WIDE = frozenset("mwMWO@%&Q—…")


class Spoken(NamedTuple):
    """A word on the screen, and the frame on which it begins to be said."""

    text: str
    start: int


class Cue(NamedTuple):
    """The words on the screen from frame `start` up to, not including, frame `end`."""

    start: int
    end: int
    lines: tuple[tuple[Spoken, ...], ...]

    def later(self, frames: int) -> "Cue":
        """The same cue, this number of frames later."""
        lines = tuple(tuple(Spoken(word.text, word.start + frames) for word in line) for line in self.lines)
        return Cue(self.start + frames, self.end + frames, lines)

    def text(self) -> str:
        return "\n".join(" ".join(word.text for word in line) for line in self.lines)

    def turns(self) -> list[tuple[int, int]]:
        """The frames, from and up to, during which each of its words is the one being said; some may have none."""
        words = [word for line in self.lines for word in line]
        starts = [self.start, *(min(max(word.start, self.start), self.end) for word in words[1:]), self.end]
        return list(pairwise(starts))


def line_limit(frame: TextFrame) -> float:
    """The greatest width of a line in this frame, in widths of an average letter."""
    ratio = frame.width / frame.height
    return 40.0 if ratio > 1.4 else 19.0 if ratio < 0.7 else 28.0


def measure(text: str) -> float:
    """The width of `text` in average letters of a proportional font; never much too small."""
    return sum(map(_letter_width, text))


def _letter_width(letter: str) -> float:
    if letter in _NARROW:
        return 0.6
    if unicodedata.combining(letter) or unicodedata.category(letter) in ("Cf", "Mn", "Me"):
        return 0.0
    if unicodedata.east_asian_width(letter) in "WF":
        return 2.0
    if letter in _WIDE:
        return 1.6
    return 1.2 if letter.isupper() else 1.0


def cues(words: Sequence[Word], frame: TextFrame, fps: int, frames: int) -> list[Cue]:
    """The cues of a scene in order, none overlapping, all inside its `frames`."""
    limit = line_limit(frame)
    groups = [group for phrase in _phrases(list(_tidy(words, limit))) for group in _split(phrase, limit)]
    return list(_timed(groups, limit, fps, frames))


def _tidy(words: Iterable[Word], limit: float) -> Iterator[Word]:
    """Drops what cannot be drawn, and cuts a word that no line can hold into pieces that share its time."""
    for word in words:
        pieces = _pieces(clean(word.text), limit)
        length = word.end - word.start
        for index, piece in enumerate(pieces):
            begin = word.start + length * index // len(pieces)
            yield Word(text=piece, start=begin, end=word.start + length * (index + 1) // len(pieces))


def clean(text: str) -> str:
    """`text` on one line, without control characters and half characters."""
    joined = " ".join(text.split())
    return "".join(letter for letter in joined if unicodedata.category(letter) not in ("Cc", "Cs"))


def _pieces(text: str, limit: float) -> list[str]:
    pieces: list[str] = []
    for letter in text:
        # A mark stays with its letter. Some scripts write without spaces, so that a "word" may hold sentences.
        fits = pieces and measure(pieces[-1] + letter) <= limit and pieces[-1][-1] not in "。！？"
        if pieces and (fits or _letter_width(letter) == 0.0):
            pieces[-1] += letter
        else:
            pieces.append(letter)
    return pieces


def _phrases(words: Sequence[Word]) -> Iterator[list[Word]]:
    """Runs of words that end with a sentence or before a pause."""
    phrase: list[Word] = []
    for word, following in zip(words, [*words[1:], None], strict=False):
        phrase.append(word)
        if following is None or following.start - word.end >= PAUSE or _ends_phrase(phrase, following):
            yield phrase
            phrase = []


def _ends_phrase(phrase: Sequence[Word], following: Word) -> bool:
    last = phrase[-1]
    if not _SENTENCE_END.search(last.text) or _TITLE.match(last.text):
        return False
    return not following.text[:1].islower() and following.start - phrase[0].start >= SHORT


def _split(phrase: Sequence[Word], limit: float) -> list[Sequence[Word]]:
    """Cuts a phrase into as few cues as will hold it, about equally full, rather between clauses."""
    best: list[tuple[float, int]] = [(0.0, 0)]  # the least cost of the words so far, and where their last cue begins
    for end in range(1, len(phrase) + 1):
        options = []
        for begin in range(end - 1, -1, -1):
            group = phrase[begin:end]
            if begin < end - 1 and lines_of(group, limit) is None:
                break
            options.append((best[begin][0] + _cost(phrase, begin, end, limit), begin))
        best.append(min(options))
    groups: list[Sequence[Word]] = []
    end = len(phrase)
    while end:
        begin = best[end][1]
        groups.insert(0, phrase[begin:end])
        end = begin
    return groups


def _cost(phrase: Sequence[Word], begin: int, end: int, limit: float) -> float:
    group = phrase[begin:end]
    emptiness = 1 - min(1.0, _width(group) / (limit * MAX_LINES))
    # A cue that ends soon after a comma shows the beginning of a thought and takes it away again.
    torn = not _clause_ends(phrase, end) and any(_CLAUSE_END.search(word.text) for word in group)
    return 0.4 + emptiness**2 + (1.0 if torn else 0.0) - _fitness(phrase, end)


def _fitness(words: Sequence[Word], index: int) -> float:
    """A measure of how a break before word `index` suits the ear: best between clauses, badly after a small word."""
    if _clause_ends(words, index):
        return 0.15
    # In most languages words this short lean on the next one: `the`, `of`, `a`, `to`.
    before = words[index - 1].text
    return -0.1 if len(before) <= 3 and before.isalpha() else 0.0


def _clause_ends(words: Sequence[Word], index: int) -> bool:
    if index == len(words) or _CLAUSE_END.search(words[index - 1].text):
        return True
    return words[index].text.startswith(("(", "[", "–", "—"))


def _width(words: Sequence[Word]) -> float:
    return measure(" ".join(word.text for word in words))


def lines_of(group: Sequence[Word], limit: float) -> list[Sequence[Word]] | None:
    """One line if it holds the words, else two of about equal width; None if two do not suffice."""
    if _width(group) <= limit:
        return [group]
    breaks = []
    for index in range(1, len(group)):
        first, second = _width(group[:index]), _width(group[index:])
        if max(first, second) <= limit:
            breaks.append((abs(first - second) / limit - 2 * _fitness(group, index), index))
    if not breaks:
        return None
    index = min(breaks)[1]
    return [group[:index], group[index:]]


def _timed(groups: Sequence[Sequence[Word]], limit: float, fps: int, frames: int) -> Iterator[Cue]:
    # Each cue gets a frame of its own, even where the times of the words leave none.
    wanted = (frame_at(group[0].start, fps) for group in groups)
    starts = list(accumulate(wanted, lambda before, start: max(before + 1, start)))
    for group, start, following in zip(groups, starts, [*starts[1:], frames], strict=False):
        last = frame_at(group[-1].end, fps)
        near = following - last <= BRIDGE * fps
        end = min(following if near else last + int(HOLD * fps), following, frames)
        if end > start:
            lines = lines_of(group, limit) or [group]
            yield Cue(start, end, tuple(tuple(_spoken(word, fps) for word in line) for line in lines))


def _spoken(word: Word, fps: int) -> Spoken:
    return Spoken(word.text, frame_at(word.start, fps))


def srt(cues: Sequence[Cue], fps: int) -> str:
    """The cues as a SubRip file."""
    blocks = [
        f"{number}\n{_clock(cue.start, fps, ',')} --> {_clock(cue.end, fps, ',')}\n{cue.text()}\n"
        for number, cue in enumerate(cues, 1)
    ]
    return "\n".join(blocks)


def vtt(cues: Sequence[Cue], fps: int) -> str:
    """The cues as a WebVTT file."""
    blocks = [
        f"{_clock(cue.start, fps, '.')} --> {_clock(cue.end, fps, '.')}\n{_escape_vtt(cue.text())}\n" for cue in cues
    ]
    return "\n".join(["WEBVTT\n", *blocks])


def _escape_vtt(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _clock(frame: int, fps: int, point: str) -> str:
    seconds, milliseconds = divmod(frame * 1000 // fps, 1000)
    minutes, seconds = divmod(seconds, 60)
    return f"{minutes // 60:02}:{minutes % 60:02}:{seconds:02}{point}{milliseconds:03}"
