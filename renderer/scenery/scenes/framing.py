"""The framing of a shot by its seed, and the few layers that many themes begin with."""

from common.contracts.footage import Light, SceneryRecipe
from renderer.scenery.light import Colour, palette_for, rgb
from renderer.scenery.noise import mix
from renderer.scenery.sky import Clouds, Sky, Stars
from renderer.scenery.stage import Layer, Stage, stream
from renderer.scenery.water import Sea, Water

Scene = tuple[Stage, list[Layer]]
"The stage of a scene, and its layers, the farthest first."


def stage_for(recipe: SceneryRecipe, width: int, height: int, horizon: tuple[float, float]) -> Stage:
    """A stage with its horizon within a band of the height (shares from the top), everything else from the seed."""
    rng = stream(recipe, "framing")
    palette = palette_for(recipe.light, stream(recipe, "palette"))
    focal = rng.uniform(0.86, 1.14) * max(width, height)
    row = round(height * rng.uniform(*horizon))
    sun_y = row - rng.uniform(*palette.elevation) * focal
    if recipe.light == "night":
        sun_y = max(sun_y, height * 0.12)
    elif sun_y < height * 0.1:
        sun_y = -height * 0.08  # a disc cut by the edge of the picture draws the eye
    column = width * rng.choice([rng.uniform(0.2, 0.42), rng.uniform(0.58, 0.8), rng.uniform(0.44, 0.56)])
    return Stage(width, height, row, focal, column, sun_y, palette, rng.uniform(), recipe)


def in_light(recipe: SceneryRecipe, **instead: Light) -> SceneryRecipe:
    """The recipe with another hour where a theme cannot play at its own: `in_light(recipe, day="night")`."""
    return recipe.model_copy(update={"light": instead.get(recipe.light, recipe.light)})


def sky(stage: Stage) -> list[Layer]:
    """Air, stars if it is dark, and clouds."""
    layers: list[Layer] = [Sky(stage)]
    if stage.palette.stars:
        layers.append(Stars(stage, stage.palette.stars))
    layers.append(Clouds(stage, "high", cover=stage.rng("weather").uniform(0.3, 0.6), softness=1.2))
    return layers


def lake(stage: Stage) -> Water:
    """Calm water from the horizon to the bottom of the picture."""
    return Water(stage, Sea(eye=2.5, swell=26, swell_slope=0.012, chop_slope=0.03, rough=False), glitter=0.6)


def dark_green(stage: Stage, air: float) -> Colour:
    """Conifers at this hour, `air` (0 to 1) being what lies before them."""
    light = stage.palette.ambient * 0.55 + stage.palette.direct * 0.16
    return mix(rgb("3a5a44") * light, stage.palette.haze, air)
