"""Scores how well a clip fits a shot, from 0 to 1: by words, the provider's order, length and picture. Pure."""

import functools
import re
import unicodedata
from collections.abc import Iterable
from typing import NamedTuple

from common.contracts.footage import Candidate, ShotQuery

WORDS, RANK, LENGTH, PICTURE = 0.45, 0.2, 0.2, 0.15
"Shares of the score; together 1."
UNKNOWN = 0.5
"For what a provider does not tell."
SPARE_SECONDS = 0.1
"A clip should be this much longer than the shot, so that its last frame never has to be held."
LATER_TERM = 0.05
"Search terms are given best first: what each later one is worth less."
FILLER = re.compile(
    "a|an|and|are|as|at|be|by|clip|footage|for|free|from|hd|in|into|is|it|its|of|on|or|over|stock|that|the|their|"
    "this|to|video|view|with"
)
"Words that say nothing about the picture."


class Features(NamedTuple):
    """The facts about a clip or picture that count."""

    words: frozenset[str]
    "Stems of what describes it; empty when nothing does."
    rank: float
    "0 for the provider's first, 1 for its last."
    seconds: float
    "0: lasts as long as it is wanted."
    width: int
    height: int


def score(query: ShotQuery, features: Features) -> float:
    """0 to 1, rounded so that it has one spelling on every machine."""
    parts = (
        WORDS * match(query, features.words),
        RANK * (1.0 - features.rank),
        LENGTH * _length_fit(query.seconds, features.seconds),
        PICTURE * _picture_fit(query, features.width, features.height),
    )
    return round(min(1.0, max(0.0, sum(parts))), 4)


def match(query: ShotQuery, words: frozenset[str]) -> float:
    """The share of the query's best phrase that the words cover, 0 to 1."""
    if not words:
        return UNKNOWN
    phrases = [wanted for phrase in (*query.terms, query.show) if (wanted := stems(phrase))]
    covered = (
        len(wanted & words) / len(wanted) * max(0.5, 1.0 - LATER_TERM * index) for index, wanted in enumerate(phrases)
    )
    return max(covered, default=UNKNOWN)


def rank(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Best first and each id once; equal scores keep their order."""
    ordered = sorted(candidates, key=lambda candidate: -candidate.score)
    return list({candidate.id: candidate for candidate in reversed(ordered)}.values())[::-1]


@functools.lru_cache(maxsize=20_000)
def stems(text: str) -> frozenset[str]:
    """The words of a text as they compare: no case, accents, fillers or plurals. `Fishing_boats` is fish, boat."""
    plain = unicodedata.normalize("NFKD", text).casefold()
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    words = (word for word in re.findall(r"[^\W_]+", plain) if not FILLER.fullmatch(word))
    return frozenset(_stem(word) for word in words)


def _stem(word: str) -> str:
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 4 and word.endswith(("ches", "shes", "sses", "xes", "zes")):
        return word[:-2]
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    if len(word) > 5 and word.endswith("ing"):
        word = word[:-3]
        return word[:-1] if word[-1] == word[-2] and word[-1] not in "ls" else word
    return word


def _length_fit(wanted: float, seconds: float) -> float:
    """1 for a clip that lasts; one that must be repeated or held is worth at most half."""
    needed = wanted + SPARE_SECONDS
    return 1.0 if seconds == 0 or seconds >= needed else 0.5 * seconds / needed


def _picture_fit(query: ShotQuery, width: int, height: int) -> float:
    """The share of the picture that stays when it fills the canvas, less what enlarging costs in sharpness."""
    if width <= 0 or height <= 0:
        return UNKNOWN
    scale = max(query.width / width, query.height / height)
    kept = (query.width * query.height) / (width * height * scale * scale)
    return kept * min(1.0, 1.0 / scale)
