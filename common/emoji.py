"""Signs that fonts for text do not have: they would be drawn as boxes."""

import re

_EMOJI = re.compile("[\u2600-\u27bf\u2b00-\u2bff\U0001f000-\U0001fbff\ufe0e\ufe0f\u200d]+")


def drawable(text: str) -> str:
    """`text` without emoji."""
    return _EMOJI.sub("", text)
