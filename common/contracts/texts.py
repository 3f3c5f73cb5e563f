"""Rules for texts of users."""

import re

from pydantic import AfterValidator

from common.emoji import drawable

CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def _without_controls(text: str) -> str:
    if CONTROLS.search(text):
        raise ValueError("it has control characters, which can be neither spoken nor shown; remove them")
    return text


def _with_letters(text: str) -> str:
    if text and not drawable(text).strip():
        raise ValueError("it has nothing but emoji, which cannot be drawn; use letters")
    return text


PROSE = AfterValidator(_without_controls)
"Text to speak or to show. Line breaks and tabs are fine."
LETTERS = AfterValidator(_with_letters)
"Text to draw, which must not come out empty."
