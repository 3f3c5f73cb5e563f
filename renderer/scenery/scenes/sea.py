"""Themes over and under the water."""

from common.contracts.footage import SceneryRecipe
from renderer.scenery.birds import Gulls
from renderer.scenery.deep import Depths, SeaFloor, Shoal
from renderer.scenery.grass import Blades, Swaying
from renderer.scenery.land import headland
from renderer.scenery.light import Colour, rgb
from renderer.scenery.noise import mix
from renderer.scenery.scenes.framing import Scene, sky, stage_for
from renderer.scenery.shafts import Shafts
from renderer.scenery.shore import Breakers, Coast, Sand, Surf
from renderer.scenery.stage import Layer, Stage, stream
from renderer.scenery.water import Sea, Water
from renderer.scenery.weather import Motes, Swarm

WHITE = rgb("ffffff")


def ocean(recipe: SceneryRecipe, width: int, height: int) -> Scene:
    """A beach with breaking waves, or the open sea."""
    view = recipe.view or ("shore" if stream(recipe, "view").uniform() < 0.6 else "open")
    return beach(recipe, width, height) if view == "shore" else open_sea(recipe, width, height)


def beach(recipe: SceneryRecipe, width: int, height: int) -> Scene:
    stage = stage_for(recipe, width, height, (0.33, 0.5))
    rng = stage.rng("coast")
    eye = rng.uniform(1.6, 2.1)
    nearest = eye * stage.focal / (stage.height - stage.horizon)
    coast = Coast(
        eye=eye,
        distance=nearest * rng.uniform(1.45, 1.7),
        turn=rng.uniform(-0.42, 0.42),
        surf=rng.uniform(0.6, 0.9),
        period=rng.uniform(6, 7.5),
    )
    surf = Surf(stage, coast)
    sand = Sand(stage, surf)
    sea = Sea(eye=eye, swell=34, swell_slope=0.06, chop_slope=0.10, heading=-coast.turn)
    return stage, [*sky(stage), Water(stage, sea, until=sand.dry_from), Breakers(stage, surf), sand, *_gulls(stage)]


def open_sea(recipe: SceneryRecipe, width: int, height: int) -> Scene:
    stage = stage_for(recipe, width, height, (0.34, 0.62))
    rng = stage.rng("sea")
    sea = Sea(eye=rng.uniform(1.6, 6), heading=rng.uniform(-0.6, 0.6))
    layers = sky(stage)
    if rng.uniform() < 0.5:
        layers.append(headland(stage))
    return stage, [*layers, Water(stage, sea), *_gulls(stage)]


def _gulls(stage: Stage) -> list[Layer]:
    by_day = stage.recipe.light != "night"
    return [Gulls(stage)] if by_day and stage.rng("birds").uniform() < 0.6 else []


def underwater(recipe: SceneryRecipe, width: int, height: int) -> Scene:
    stage = stage_for(recipe, width, height, (0.6, 0.72))
    rng, unit = stage.rng("reef"), stage.unit
    bright, dark, daylight = _water_colours(stage)
    pale = mix(bright, WHITE, 0.6)
    far, near = (stage.height * rng.uniform(0.3, 0.58) for _ in range(2))
    plankton = Swarm(2.4, (0.06, 0.24), velocity=(0.5, -0.4), wander=2.0, light=0.5, twinkle=0.4)
    bubbles = Swarm(0.35, (0.12, 0.4), velocity=(0.2, -6.5), wander=1.2, light=0.6)
    return stage, [
        Depths(stage, bright, dark),
        Shoal(stage, "far", mix(dark, bright, 0.25), count=26, length=unit * 1.6, height=far),
        SeaFloor(stage, mix(rgb("c9b98e"), bright, 0.45) * daylight, pale),
        Shafts(stage, stage.sun_x, -stage.height * 0.35, unit * 85, pale, strength=0.85 * daylight),
        Swaying(stage, "weed", Blades(unit * 12, dark * 0.8, mix(dark, bright, 0.45), dense=0.12), 0.9),
        Shoal(stage, "near", dark * 0.75, count=7, length=unit * 5, height=near),
        Motes(stage, plankton, pale, "plankton"),
        Motes(stage, bubbles, WHITE, "bubbles"),
    ]


def _water_colours(stage: Stage) -> tuple[Colour, Colour, float]:
    """(near the surface, in the deep, how much daylight comes down from above)."""
    light = stage.recipe.light
    daylight = {"day": 1.0, "sunset": 0.7, "sunrise": 0.8, "night": 0.5, "overcast": 0.7}[light]
    tinted = {"day": 0.0, "sunset": 0.22, "sunrise": 0.2, "night": 0.5, "overcast": 0.15}[light]
    tone = stage.rng("water tone").uniform()
    bright = mix(rgb("36b6d6"), rgb("4cc9b4"), tone)
    dark = mix(rgb("052a4a"), rgb("053a42"), tone)
    tint = mix(stage.palette.glow, stage.palette.horizon, 0.5)
    return mix(bright, tint, tinted) * daylight, dark * (0.45 + 0.55 * daylight), daylight
