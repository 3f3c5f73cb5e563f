"""How long the voice rests after a sentence. Pure: the same words always give the same rests.

One rule for both places where sentences meet: within a narration, and between the narrations of two scenes.
"""

import unicodedata

from common.prose import end_mark

SENTENCE = (0.38, 0.49)
"Seconds after a short and after a long sentence."
PARAGRAPH = (0.82, 1.16)
"Seconds before a paragraph, after a short and after a long sentence."
QUESTION = 0.60
EXCLAMATION = 0.55
CLAUSE = 0.25
"Seconds after a part of a sentence that is too long to be spoken at once."
LAST = 1.03
"Seconds before the last sentence of a film."
SHORT, LONG = 20, 140
"Letters of a sentence after which the rest is shortest and longest."
BRISK = 1.25
"Faster speech than this has shorter rests, too; up to it, rests are what keeps it easy to follow."
TIGHTEST = 0.35
"Seconds to which rests between sentences may shrink for a target length. Those of paragraphs shrink to their least."

QUESTION_MARKS, EXCLAMATION_MARKS, CLAUSE_MARKS = "?？؟", "!！", ",;:—–、，；："


def rest_after(sentence: str, *, paragraph: bool = False, last: bool = False) -> float:
    """Seconds of rest between a sentence and the next one.

    `paragraph`: the next one begins a paragraph. `last`: the next one is the last of the film.
    """
    rests = [_plain(sentence)]
    if paragraph:
        rests.append(_between(PARAGRAPH, sentence))
    if last:
        rests.append(LAST)
    return round(max(rests), 3)


def least_rest(rest: float) -> float:
    """To how many seconds a rest may shrink: no rest becomes one of another kind."""
    floors = [floor for floor in (CLAUSE, TIGHTEST, EXCLAMATION, QUESTION, PARAGRAPH[0]) if floor <= rest]
    return floors[-1] if floors else rest


def at_speed(rest: float, speed: float) -> float:
    """A rest in speech that is `speed` times as fast as the voice's own."""
    return rest / max(1.0, speed / BRISK)


def _plain(sentence: str) -> float:
    mark = end_mark(sentence)
    if mark and mark in QUESTION_MARKS:
        return QUESTION
    if mark and mark in EXCLAMATION_MARKS:
        return EXCLAMATION
    if mark and mark in CLAUSE_MARKS:
        return CLAUSE
    return _between(SENTENCE, sentence)


def _between(limits: tuple[float, float], sentence: str) -> float:
    """The longer a sentence is, the longer one rests after it."""
    share = min(1.0, max(0.0, (_size(sentence) - SHORT) / (LONG - SHORT)))
    return limits[0] + (limits[1] - limits[0]) * share


def _size(sentence: str) -> int:
    """Letters; a sign of a script without an alphabet is worth three."""
    return sum(3 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in sentence)
