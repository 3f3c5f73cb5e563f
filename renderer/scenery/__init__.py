"""Generated moving backgrounds: the film looks good with no footage, no network and no model.

`paint` gives raw frames at a reduced size; the renderer scales them to the size of the film.
"""

from collections.abc import Iterator

from common.contracts.footage import SceneryRecipe
from renderer.scenery.scenes import SCENES
from renderer.scenery.stage import Layer, Stage, perform
from renderer.scenery.weather import Rain, snowfall

__all__ = ["PIXEL_FORMAT", "paint", "scenery_size"]

PIXEL_FORMAT = "rgb24"
"ffmpeg's name for the layout of the frames."

_LONGEST = 960


def scenery_size(width: int, height: int) -> tuple[int, int]:
    """The even (width, height) that is painted for a canvas; never larger than the canvas itself."""
    share = min(1.0, _LONGEST / max(width, height))
    return max(2, round(width * share / 2) * 2), max(2, round(height * share / 2) * 2)


def paint(recipe: SceneryRecipe, width: int, height: int, fps: int, first_frame: int, frames: int) -> Iterator[bytes]:
    """`frames` raw frames of `scenery_size(width, height)`. Frame n depends only on recipe, size, fps and n."""
    stage, layers = SCENES[recipe.theme](recipe, *scenery_size(width, height))
    return perform([*layers, *_falling(stage)], stage, fps, first_frame, frames)


def _falling(stage: Stage) -> list[Layer]:
    wind = stage.rng("weather")
    if stage.recipe.weather == "rain":
        return [Rain(stage, slant=wind.uniform(-0.22, 0.22))]
    if stage.recipe.weather == "snow":
        return [*snowfall(stage, wind=wind.uniform(-4, 4))]
    return []
