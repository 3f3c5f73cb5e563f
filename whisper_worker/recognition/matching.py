"""When the words of a script are said, by a recogniser that has heard them more or less. Pure."""

import unicodedata
from collections.abc import Sequence
from difflib import SequenceMatcher

from whisper_worker.recognition.pieces import in_order
from whisper_worker.tts.port import SpokenWord
from whisper_worker.tts.timing import weight


def timed(script: Sequence[str], heard: Sequence[SpokenWord], seconds: float | None = None) -> list[SpokenWord]:
    """The words of a script with the times at which they are heard, one for each of them, in order.

    A word that was heard has its time. Words that were heard as others share the time of these by their length, and
    words that were not heard at all the time between their neighbours. `seconds` is the length of the sound; None: it
    ends with the last word that was heard.
    """
    total = seconds if seconds is not None else max((word.end for word in heard), default=0.0)
    total = max(total, 1e-6 * (len(script) + 1))
    spans: list[tuple[float, float] | None] = [None] * len(script)
    matcher = SequenceMatcher(None, [plain(word) for word in script], [plain(word.text) for word in heard], False)
    for _, first, last, begin, end in matcher.get_opcodes():
        if last > first and end > begin:
            spans[first:last] = _spans(script[first:last], heard[begin:end])
    words = zip(script, _filled(script, spans, total), strict=True)
    return in_order((SpokenWord(word, *span) for word, span in words), total)


def plain(word: str) -> str:
    """The letters and digits of a word, in small letters; the word itself if it has none."""
    small = unicodedata.normalize("NFKC", word).casefold()
    return "".join(sign for sign in small if sign.isalnum()) or small


def _spans(words: Sequence[str], heard: Sequence[SpokenWord]) -> list[tuple[float, float]]:
    """Of as many words as were heard, each has the time of one; else they share the time of all."""
    if len(words) == len(heard):
        return [(word.start, word.end) for word in heard]
    return _shared(words, heard[0].start, heard[-1].end)


def _shared(words: Sequence[str], start: float, end: float) -> list[tuple[float, float]]:
    lengths = [weight(word) for word in words]
    whole, before = sum(lengths), 0.0
    spans: list[tuple[float, float]] = []
    for length in lengths:
        after = before + length
        spans.append((start + (end - start) * before / whole, start + (end - start) * after / whole))
        before = after
    return spans


def _filled(
    words: Sequence[str], spans: Sequence[tuple[float, float] | None], total: float
) -> list[tuple[float, float]]:
    """Times for all words: those without one share what lies between their neighbours."""
    found: list[tuple[float, float]] = []
    place = 0
    while place < len(words):
        span = spans[place]
        if span is not None:
            found.append(span)
            place += 1
            continue
        after = next((index for index in range(place, len(words)) if spans[index] is not None), len(words))
        next_span = spans[after] if after < len(words) else None
        begin, end = found[-1][1] if found else 0.0, next_span[0] if next_span is not None else total
        found += _shared(words[place:after], begin, max(begin, end))
        place = after
    return found
