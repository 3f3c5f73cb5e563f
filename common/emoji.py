"""Emoji: characters that text fonts lack and would draw as boxes."""

import re

_PICTURE = "[\u231a\u231b\u2328\u23cf\u23e9-\u23f3\u23f8-\u23fa\u2600-\u27bf\u2b00-\u2bff\U0001f000-\U0001fbff]"
_MODIFIER = "[\ufe0e\ufe0f\u20e3\U000e0020-\U000e007f]"
# A joiner goes with the emoji it joins; after a letter it shapes words, for example in Sinhala.
_EMOJI = re.compile(f"(?:{_PICTURE}{_MODIFIER}*\u200d?)+|{_MODIFIER}|(?<!\\S)\u200d+")


def drawable(text: str) -> str:
    """`text` without emoji."""
    return _EMOJI.sub("", text)
