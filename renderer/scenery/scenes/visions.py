"""Pictures of no place on earth: space, and abstract light."""

from common.contracts.footage import Light, SceneryRecipe
from renderer.scenery.cosmos import Nebula, Planet
from renderer.scenery.light import Colour, rgb
from renderer.scenery.noise import f32, mix
from renderer.scenery.scenes.framing import Scene, stage_for
from renderer.scenery.silk import Glow, Veils
from renderer.scenery.sky import Stars
from renderer.scenery.stage import Layer
from renderer.scenery.weather import Motes, Swarm

GLOBES = (
    "1d3f6e 6f8f5a 8fc4ff",
    "7a4a32 d8a878 ffc79a",
    "3a4668 a8b6d8 b8d0ff",
    "5a3a5e c89ab0 f0b8d8",
)
"Planets: ground, bright ground, air."

SILKS: dict[Light, tuple[str, str]] = {
    "day": ("062a5e 0f5fa8 2f9fd8 9fe0f0 | 8fe8ff ffffff 5fc8ff", "08304a 0f7a8a 3fbfae c4f0dc | a8fff0 ffffff 58e0d0"),
    "sunset": (
        "1c1040 6a1f66 d0486a ffa05c | ffb070 ff6a8a ffe0a0",
        "0f1640 4a2a80 b04a90 ff8a5c | ff9a70 d070ff ffd090",
    ),
    "sunrise": (
        "3a4a86 8a78b8 f0a8a8 ffe0b4 | fff0d0 ffb8b0 d0c8ff",
        "2a5a8a 7aa0c8 f4c0b0 fff0cc | fff4dc ffc8a0 c0e4ff",
    ),
    "night": (
        "040a24 0c1f52 24347c 3a5aa8 | 4ad0e0 7a6aff 50ffc0",
        "0a0624 22104e 46246e 7a3a98 | b060ff 50a0ff ff60c0",
    ),
    "overcast": (
        "26323c 465866 74868f b0bcc0 | e0ecf0 98b4c0 ffffff",
        "2a2f3a 505a6a 808894 bcbcb8 | f0ece0 a8b0c8 ffffff",
    ),
}
"A glow from dark to bright, and the veils before it."


def space(recipe: SceneryRecipe, width: int, height: int) -> Scene:
    """Stars and glowing gas, often with a planet."""
    stage = stage_for(recipe, width, height, (1.0, 1.0))
    palette, rng = stage.palette, stage.rng("planet kind")
    first, second = _bright(mix(palette.zenith, palette.middle, 0.6)), _bright(mix(palette.glow, palette.horizon, 0.3))
    layers: list[Layer] = [
        Nebula(stage, (rgb("070914") + palette.zenith * 0.07, first, second)),
        Stars(stage, strength=1.1, density=3.0),
    ]
    if rng.uniform() < 0.8:
        ground, bright, air = map(rgb, GLOBES[rng.integers(len(GLOBES))].split())
        layers.append(Planet(stage, (ground, mix(bright, palette.direct, 0.2), air), giant=bool(rng.uniform() < 0.5)))
    near = Swarm(0.8, (0.05, 0.14), velocity=(1.2, 0.2), wander=0.1, light=0.9, twinkle=0.5)
    return stage, [*layers, Motes(stage, near, rgb("ffffff"), "near stars")]


def _bright(colour: Colour) -> Colour:
    """The same hue at the brightness of glowing gas."""
    return f32(colour * (0.85 / colour.max()))


def abstract(recipe: SceneryRecipe, width: int, height: int) -> Scene:
    """Veils of light before a slow glow of colours."""
    stage = stage_for(recipe, width, height, (0.5, 0.5))
    rng = stage.rng("abstract")
    glow, veils = SILKS[recipe.light][rng.integers(2)].split("|")
    tones, lights = [rgb(code) for code in glow.split()], [rgb(code) for code in veils.split()]
    bokeh = Swarm(0.35, (0.4, 2.4), velocity=(1.0, -0.8), wander=3.0, light=0.28, twinkle=0.7)
    sparks = Swarm(1.1, (0.06, 0.2), velocity=(1.4, -1.0), wander=2.5, light=0.9, twinkle=0.8)
    return stage, [
        Glow(stage, tones),
        Veils(stage, lights, count=int(rng.integers(4, 7))),
        Motes(stage, bokeh, lights[1], "bokeh"),
        Motes(stage, sparks, lights[2], "sparks"),
    ]
