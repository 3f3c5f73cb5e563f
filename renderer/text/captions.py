"""The lines of captions as a style writes them."""

from common.captions import Cue
from common.contracts.request import Style
from renderer.text import fonts
from renderer.text.design import CAPTIONS


def drawn_lines(cue: Cue, style: Style) -> list[str]:
    """The lines of a cue as that style writes them."""
    upper = CAPTIONS[style].upper
    return [fonts.capitals(line) if upper else line for line in cue.text().split("\n")]
