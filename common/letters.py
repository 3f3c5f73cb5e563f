"""Which letters the font has that comes with Reelwright."""

_LAST = 0x052F
"The last letter of Latin, Greek and Cyrillic."
_MORE = range(0x1E00, 0x2070)
"Latin and Greek with accents, and the signs of punctuation."


def bundled(letter: str) -> bool:
    """Whether our font draws it; for others one must be on the machine that renders."""
    return ord(letter) <= _LAST or ord(letter) in _MORE
