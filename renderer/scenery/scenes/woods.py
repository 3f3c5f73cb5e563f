"""Among trees: forest, a lake at night, rain."""

from common.contracts.footage import SceneryRecipe
from renderer.scenery.land import Mist
from renderer.scenery.light import rgb
from renderer.scenery.noise import mix
from renderer.scenery.scenes.framing import Scene, dark_green, in_light, lake, sky, stage_for
from renderer.scenery.shafts import Shafts
from renderer.scenery.sky import Clouds, Sky, Stars
from renderer.scenery.stage import Layer, Stage
from renderer.scenery.trees import canopy, treeline, trunks
from renderer.scenery.water import Sea, Water
from renderer.scenery.weather import Motes, Rain, Swarm


def forest(recipe: SceneryRecipe, width: int, height: int) -> Scene:
    """Inside a wood with beams of light, or wooded hills in mist."""
    stage = stage_for(recipe, width, height, (0.62, 0.74))
    inside = stage.rng("view").uniform() < 0.5
    return stage, _inside(stage) if inside else _misty_hills(stage)


def _misty_hills(stage: Stage) -> list[Layer]:
    unit, layers = stage.unit, sky(stage)
    for k in range(5):
        near = k / 4
        row, colour = stage.horizon + unit * (-9 + 8.5 * k), dark_green(stage, 0.78 * (1 - near) ** 1.1)
        size, nearness = unit * (1.6 + 5.5 * near**1.5), 0.15 + 0.6 * near
        layers.append(treeline(stage, f"{k}", row, unit * (3.2 - near), size, colour, nearness))
        if k < 4:
            layers.append(Mist(stage, f"{k}", row + unit * 5, unit * 3.4, 0.72, 0.6 + near))
    return layers


_DEPTHS = ((24, 0.9, 0.74), (13, 1.7, 0.5), (7, 3.0, 0.25), (3, 5.6, 0.03))
"Trunks, their width in units and the air before them, from far to near."


def _inside(stage: Stage) -> list[Layer]:
    unit, palette = stage.unit, stage.palette
    glade, beam = mix(palette.haze, palette.horizon, 0.5), mix(palette.glow, palette.sun, 0.5)
    bark = rgb("4a3b30") * (palette.ambient * 0.6 + palette.direct * 0.2)
    leaf = rgb("4f6b3c") * (palette.ambient * 0.6 + palette.direct * 0.35)
    layers: list[Layer] = [Sky(stage, disc=False)]
    for k, (count, size, air) in enumerate(_DEPTHS):
        near, floor, bush = 0.15 + 0.28 * k, stage.horizon + unit * (1 + 4.2 * k), unit * (1.5 + 0.9 * k)
        stems = trunks(stage, f"{k}", count, unit * size, mix(bark, glade, air), near)
        leaves = canopy(stage, f"{k}", unit * (17 - 4 * k), mix(leaf, glade, air * 0.9), near)
        bushes = treeline(stage, f"bush{k}", floor, unit * 0.8, bush, mix(leaf * 0.6, glade, air), near)
        layers.append(stems.behind(leaves, bushes))
        if k < 3:
            layers.append(Mist(stage, f"{k}", floor + unit, unit * 7, 0.5, 0.7))
        if k == 2:
            layers.append(Shafts(stage, stage.sun_x, -unit * 15, unit * 75, beam, strength=0.8 * palette.halo))
    pollen = Swarm(1.6, (0.08, 0.3), velocity=(0.7, -0.25), wander=2.0, light=0.75, twinkle=0.7)
    return [*layers, Motes(stage, pollen, beam, "pollen")]


def night(recipe: SceneryRecipe, width: int, height: int) -> Scene:
    """Stars over a lake, fireflies on its shore; at dusk and dawn the first or last of them."""
    stage = stage_for(in_light(recipe, day="night", overcast="night"), width, height, (0.66, 0.8))
    unit = stage.unit
    far, near = dark_green(stage, 0.5), dark_green(stage, 0) * 0.5
    fireflies = Swarm(0.7, (0.14, 0.3), velocity=(0.5, -0.2), wander=4.0, light=0.95, twinkle=1.0, band=(0.6, 1.0))
    return stage, [
        Sky(stage),
        Stars(stage, strength=1.0, density=2.2),
        Clouds(stage, "thin", cover=0.16, softness=1.4),
        treeline(stage, "far", stage.horizon - unit * 4, unit * 1.6, unit * 1.2, far, 0.2),
        lake(stage),
        treeline(stage, "near", stage.height - unit * 3, unit * 1.2, unit * 9, near, 0.7, gaps=0.9),
        Motes(stage, fireflies, rgb("e6ff8a"), "fireflies"),
    ]


def rain(recipe: SceneryRecipe, width: int, height: int) -> Scene:
    """Rain over a lake between wooded hills."""
    stage = stage_for(in_light(recipe, day="overcast"), width, height, (0.5, 0.62))
    unit = stage.unit
    layers: list[Layer] = [Sky(stage, disc=False), Clouds(stage, "low", cover=0.9, softness=1.6, speed=1.4)]
    for k in range(3):
        row, size = stage.horizon + unit * (-8 + 3.6 * k), unit * (1.3 + 0.9 * k)
        colour = dark_green(stage, 0.75 - 0.25 * k)
        layers.append(treeline(stage, f"{k}", row, unit * (2.4 - 0.5 * k), size, colour, 0.15 + 0.15 * k))
        layers.append(Mist(stage, f"{k}", stage.horizon + unit * (-4 + 2.5 * k), unit * 2.5, 0.6, 1.0))
    water = Water(stage, Sea(eye=1.6, swell=14, swell_slope=0.02, chop_slope=0.09), glitter=0.3)
    return stage, [*layers, water, Rain(stage, slant=stage.rng("wind").uniform(-0.22, 0.22))]
