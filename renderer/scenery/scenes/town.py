"""A city across the water."""

from common.contracts.footage import SceneryRecipe
from renderer.scenery.city import Beacons, Traffic, towers
from renderer.scenery.land import Mist
from renderer.scenery.scenes.framing import Scene, sky, stage_for
from renderer.scenery.water import Sea, Water


def city(recipe: SceneryRecipe, width: int, height: int) -> Scene:
    """Three rows of towers, traffic along the bank, and all of it in the river."""
    stage = stage_for(recipe, width, height, (0.62, 0.72))
    unit = stage.unit
    tall = min(stage.horizon * 0.9, unit * 38)
    middle = towers(stage, "middle", tall * 0.85, 0.3, air=0.34)
    lamps = 1.0 if recipe.light in ("night", "sunset") else 0.55
    river = Sea(eye=5, swell=36, swell_slope=0.02, chop_slope=0.05, rough=False)
    return stage, [
        *sky(stage),
        towers(stage, "far", tall * 0.62, 0.15, air=0.62),
        middle,
        Beacons(stage, middle, 0.3),
        Mist(stage, "smog", stage.horizon - unit * 2, unit * 3, 0.35),
        towers(stage, "near", tall * 0.6, 0.5, air=0.08),
        Traffic(stage, stage.horizon - unit * 0.9, unit * 0.22, 0.5, lamps),
        Water(stage, river, glitter=0.8),
    ]
