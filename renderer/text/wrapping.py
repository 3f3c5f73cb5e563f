"""Breaks a text into lines of about equal width, as measured in the font it is drawn in. Pure."""

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence

_NO_BREAK_BEFORE = frozenset("、。，．・：；？！）」』】》〉ーっッゃゅょャュョ,.;:!?)]}%”’…")

Width = Callable[[str], float]
"The width of a text on one line, in the unit of the limit."


def wrapped(paragraphs: Sequence[str], width: Width, limit: float, *, split: bool) -> list[str] | None:
    """Lines of about equal width, as few as hold the text; None if a word is too wide and must not be `split`."""
    lines: list[str] = []
    for paragraph in paragraphs:
        pieces = list(_pieces(paragraph))
        if any(width(piece.strip()) > limit for piece in pieces):
            if not split:
                return None
            pieces = [part for piece in pieces for part in _chopped(piece, width, limit)]
        lines += _balanced(pieces, width, limit)
    return lines


def cut_off(lines: Sequence[str], most: int, width: Width, limit: float) -> list[str]:
    """The first `most` lines, the last of them with an ellipsis in place of what is missing."""
    kept = list(lines[:most])
    last = kept[-1]
    while last and width(last + "…") > limit:
        last = last[:-1]
    return [*kept[:-1], last.rstrip() + "…"]


def _pieces(text: str) -> Iterator[str]:
    """Parts that a line may be broken after: words with their space, and single letters of scripts without spaces."""
    for word in re.findall(r"\S+\s*", text):
        piece = ""
        for letter in word:
            wide = unicodedata.east_asian_width(letter) in "WF"
            if piece and wide and letter not in _NO_BREAK_BEFORE:
                yield piece
                piece = ""
            piece += letter
        yield piece


def _chopped(piece: str, width: Width, limit: float) -> Iterator[str]:
    part = ""
    for letter in piece:
        if part and width((part + letter).strip()) > limit and not unicodedata.combining(letter):
            yield part
            part = ""
        part += letter
    yield part


def _balanced(pieces: Sequence[str], width: Width, limit: float) -> list[str]:
    lines = _filled(pieces, width, limit)
    low, high = 0.0, limit
    for _ in range(12):
        middle = (low + high) / 2
        narrower = _filled(pieces, width, middle)
        if len(narrower) > len(lines) or max(map(width, narrower)) > middle:
            low = middle
        else:
            high = middle
    return _filled(pieces, width, high)


def _filled(pieces: Sequence[str], width: Width, limit: float) -> list[str]:
    lines = [""]
    for piece in pieces:
        if lines[-1] and width((lines[-1] + piece).strip()) > limit:
            lines.append("")
        lines[-1] += piece
    return [line.strip() for line in lines]
