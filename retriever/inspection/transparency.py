"""The background for a picture that is transparent in places, and has none of its own."""

from typing import TYPE_CHECKING

import numpy as np
from av.video.frame import VideoFrame

if TYPE_CHECKING:  # a file is looked at without the contracts, which take longer to load than to look
    from common.contracts.footage import Ground

SAMPLES = 1024
"Points looked at across, and down, at most."
BRIGHT = 170
"Of 255. What is brighter could not be seen on white."
_LUMA = np.array((0.2126, 0.7152, 0.0722))


def ground(frame: VideoFrame) -> "Ground":
    """White, or black if the picture is itself nearly white; empty for an opaque picture."""
    if not (frame.format.has_palette or any(component.is_alpha for component in frame.format.components)):
        return ""
    width, height = min(frame.width, SAMPLES), min(frame.height, SAMPLES)
    points = frame.reformat(width, height, "rgba", interpolation="POINT").to_ndarray()
    cover = points[..., 3].astype(float)
    if cover.min() == 255:
        return ""
    luma = ((points[..., :3] @ _LUMA) * cover).sum() / max(1.0, cover.sum())
    return "black" if luma > BRIGHT else "white"
