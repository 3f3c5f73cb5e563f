"""The letters in the font bundled with Reelwright."""

_LAST = 0x052F
"The last letter of Latin, Greek and Cyrillic."
_MORE = range(0x1E00, 0x2070)
"Latin and Greek with accents, and the signs of punctuation."


def bundled(letter: str) -> bool:
    """True if our font draws `letter`; any other needs a font on the rendering machine."""
    return ord(letter) <= _LAST or ord(letter) in _MORE
