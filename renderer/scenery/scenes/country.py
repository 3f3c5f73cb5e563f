"""Open country: mountains, deserts, meadows, snow."""

from common.contracts.footage import SceneryRecipe
from renderer.scenery.grass import Blades, Swaying
from renderer.scenery.land import CloudShadows, Ground, Mist, land
from renderer.scenery.light import rgb
from renderer.scenery.materials import alpine, dunes, grassy, ridged, rolling, sandy, snowy
from renderer.scenery.noise import mix
from renderer.scenery.scenes.framing import Scene, dark_green, lake, sky, stage_for
from renderer.scenery.stage import Layer, Stage
from renderer.scenery.trees import treeline
from renderer.scenery.weather import Motes, Swarm, snowfall


def mountains(recipe: SceneryRecipe, width: int, height: int) -> Scene:
    """Two ranges, and before them a lake or wooded hills in mist."""
    stage = stage_for(recipe, width, height, (0.58, 0.72))
    heights, unit = ridged(stage.rng("ridges")), stage.unit
    far = Ground(heights, near=0.9, far=2.0, eye=-0.01, lift=0.27, detail=0.02, haze=(0.5, 0.78))
    middle = Ground(heights, near=0.4, far=1.0, eye=0.02, lift=0.13, detail=0.03, haze=(0.2, 0.55))
    layers = [
        *sky(stage),
        land(stage, far, alpine, 0.12, "far"),
        Mist(stage, "far", stage.horizon - unit * 3, unit * 4, 0.7, 0.5),
        land(stage, middle, alpine, 0.25, "middle"),
    ]
    by_the_lake = stage.rng("mountains").uniform() < 0.45
    return stage, [*layers, *(_lakeside(stage) if by_the_lake else _wooded_hills(stage))]


def _lakeside(stage: Stage) -> list[Layer]:
    return [Mist(stage, "lake", stage.horizon - stage.unit, stage.unit * 2.5, 0.7), lake(stage)]


def _wooded_hills(stage: Stage) -> list[Layer]:
    unit, horizon = stage.unit, stage.horizon
    back, front = dark_green(stage, 0.35), dark_green(stage, 0.05)
    return [
        Mist(stage, "middle", horizon + unit, unit * 4, 0.85),
        treeline(stage, "back", horizon + unit * 3, unit * 2, unit * 3.5, back, 0.4),
        Mist(stage, "near", horizon + unit * 8, unit * 4, 0.7, 1.2),
        treeline(stage, "front", stage.height - unit * 3, unit * 2, unit * 8, front, 0.7),
    ]


def desert(recipe: SceneryRecipe, width: int, height: int) -> Scene:
    """Dunes, with sand blowing over them."""
    stage = stage_for(recipe, width, height, (0.4, 0.55))
    heights = dunes(stage.rng("dunes"))
    far = Ground(heights, near=0.6, far=2.2, eye=0.05, lift=0.07, rise=0.02, haze=(0.35, 0.85))
    near = Ground(heights, near=0.1, far=0.6, eye=0.06, lift=0.06, haze=(0.0, 0.4))
    blown = Swarm(1.5, (0.06, 0.16), velocity=(9, 0.6), wander=0.8, light=0.5, twinkle=0.3, band=(0.45, 1.0))
    return stage, [
        *sky(stage),
        land(stage, far, sandy, 0.2, "far"),
        Mist(stage, "dust", stage.horizon + stage.unit * 4, stage.unit * 3, 0.35, 2.0),
        land(stage, near, sandy, 0.6, "near"),
        CloudShadows(stage, 0.2),
        Motes(stage, blown, mix(rgb("e6bb80"), stage.palette.direct, 0.5), "sand"),
    ]


def meadow(recipe: SceneryRecipe, width: int, height: int) -> Scene:
    """Green hills under cloud shadows, and grass with flowers close by."""
    stage = stage_for(recipe, width, height, (0.42, 0.62))
    palette, heights, rng = stage.palette, rolling(stage.rng("hills")), stage.rng("meadow")
    light = palette.ambient * 0.5 + palette.direct * 0.5
    tall = rng.uniform(4, 10) * stage.unit
    blooms = rng.choice(["e8503a", "f4d03c", "f6f0e0", "a070d0", "e88ab0"], 2, replace=False)
    back = Blades(tall * 0.7, rgb("4a6e2c") * light, rgb("c2d070") * light)
    front = Blades(tall, rgb("30521f") * light, rgb("9cba54") * light, 1.2, tuple(rgb(code) * light for code in blooms))
    far = Ground(heights, near=0.6, far=1.6, eye=0.02, lift=0.13, haze=(0.45, 0.75))
    near = Ground(heights, near=0.06, far=0.6, eye=0.05, lift=0.05, detail=0.01, drop=0.01, haze=(0.0, 0.45))
    seeds = Swarm(0.9, (0.08, 0.28), velocity=(1.6, -0.3), wander=2.0, light=0.8, twinkle=0.5, band=(0.3, 1.0))
    return stage, [
        *sky(stage),
        land(stage, far, grassy, 0.15, "far"),
        land(stage, near, grassy, 0.4, "near"),
        CloudShadows(stage, 0.35),
        Swaying(stage, "back", back, 0.8),
        Motes(stage, seeds, mix(palette.sun, palette.glow, 0.3), "seeds"),
        Swaying(stage, "front", front, 1.1),
    ]


def snow(recipe: SceneryRecipe, width: int, height: int) -> Scene:
    """Snow falling on fields before a range."""
    stage = stage_for(recipe, width, height, (0.55, 0.66))
    unit, horizon = stage.unit, stage.horizon
    range_ = Ground(ridged(stage.rng("ridges")), near=0.5, far=1.2, eye=0.0, lift=0.13, detail=0.03, haze=(0.4, 0.7))
    field = Ground(rolling(stage.rng("hills")), near=0.05, far=0.5, eye=0.035, lift=0.02, drop=0.01, haze=(0.0, 0.5))
    far, near = dark_green(stage, 0.5), dark_green(stage, 0.05)
    return stage, [
        *sky(stage),
        land(stage, range_, alpine, 0.15, "far"),
        treeline(stage, "far", horizon + unit * 2, unit, unit * 4, far, 0.3),
        land(stage, field, snowy, 0.5, "near"),
        CloudShadows(stage, 0.16),
        treeline(stage, "near", stage.height + unit * 2, unit * 1.5, unit * 14, near, 0.8, gaps=1.0),
        *snowfall(stage, wind=stage.rng("wind").uniform(-4, 4)),
    ]
