"""The `mark` step: draws the user's watermark once for a film, as large and as faint as it is shown.

The user's file is opened within walls (`renderer.text.mark_picture`). Segments get the picture that is drawn here.
"""

from common.contracts.steps import MarkFacts, MarkSpec
from common.errors import BadMedia
from common.walls.rules import Walls
from common.worker.steprun import StepRun
from common.worker.walled import told
from renderer.text.watermark import largest

MAX_MEMORY = 1024**3
"Bytes of address space: twice what the largest picture takes."
MAX_CPU_SECONDS = 60
MAX_FILE = 64 * 1024**2
"Bytes of what is drawn; half of a frame of the largest film has 17 MB that may not be compressible."
_GIVEN, _DRAWN = "given", "drawn.png"


def mark(spec: MarkSpec, run: StepRun) -> MarkFacts:
    """Stores the picture. Raises `BadMedia` for media that are no picture, or one that takes too much to read."""
    given, drawn = run.fetch(spec.media, _GIVEN), run.workdir / _DRAWN
    width, height = largest(spec.size, spec.frame)
    walls = Walls(MAX_MEMORY, MAX_CPU_SECONDS, MAX_FILE, read=[given], write=[run.workdir], code=["common", "renderer"])
    words = [str(given), str(drawn), f"{width:.6f}", f"{height:.6f}", f"{spec.opacity:.6f}"]
    try:
        facts = told("renderer.text.mark_picture", words, walls, run)
    except BadMedia as problem:
        raise BadMedia(f"the watermark cannot be used: {problem}") from None
    size = int(facts["width"]), int(facts["height"])
    if not (0 < size[0] <= spec.frame.width and 0 < size[1] <= spec.frame.height):
        raise BadMedia("the watermark cannot be used: it does not get as small as it is to be shown")
    return MarkFacts(media=run.keep("mark", drawn, "image/png"), width=size[0], height=size[1])
