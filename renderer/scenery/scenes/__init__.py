"""The table of themes. A theme is a short list of shared layers, framed by the seed of its recipe."""

from collections.abc import Callable

from common.contracts.footage import SceneryRecipe, Theme
from renderer.scenery.scenes.country import desert, meadow, mountains, snow
from renderer.scenery.scenes.framing import Scene
from renderer.scenery.scenes.sea import ocean, underwater
from renderer.scenery.scenes.town import city
from renderer.scenery.scenes.visions import abstract, space
from renderer.scenery.scenes.woods import forest, night, rain

SCENES: dict[Theme, Callable[[SceneryRecipe, int, int], Scene]] = {
    "ocean": ocean,
    "mountains": mountains,
    "forest": forest,
    "city": city,
    "night": night,
    "rain": rain,
    "snow": snow,
    "desert": desert,
    "meadow": meadow,
    "underwater": underwater,
    "space": space,
    "abstract": abstract,
}
"(recipe, width, height) -> what to paint, at exactly that size."
