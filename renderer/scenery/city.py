"""Skylines: towers with windows, lights on their tops, traffic at their feet."""

import numpy as np
from PIL import Image, ImageDraw

from renderer.scenery.land import SWAY, Cutout, margin, sway
from renderer.scenery.light import Colour, rgb
from renderer.scenery.noise import Canvas, Numbers, f32, mix, smoothstep
from renderer.scenery.sprites import splat
from renderer.scenery.stage import Stage

LAMPS = ("ffd9a0", "ffe8c4", "fff3df", "ffc47d", "d6e6ff")


def lit_share(stage: Stage) -> float:
    """Share of windows that are lit at this hour."""
    return {"day": 0.0, "overcast": 0.12, "sunset": 0.3, "sunrise": 0.16, "night": 0.42}[stage.recipe.light]


def towers(stage: Stage, name: str, height: float, nearness: float, air: float) -> Cutout:
    """A row of towers standing on the horizon; the tallest is `height` pixels, `air` is what lies before them."""
    rng = stage.rng(f"towers/{name}")
    columns = stage.width + 2 * margin(stage, nearness)
    scale = 2
    image = Image.new("RGBA", (columns * scale, stage.height * scale), (0, 0, 0, 0))
    draw = ImageDraw.Draw(image)
    centre = rng.uniform(0.25, 0.75) * columns
    x = -height * 0.1
    while x < columns:
        width = height * rng.uniform(0.07, 0.2)
        bulk = np.exp(-(((x - centre) / (columns * 0.3)) ** 2))
        tall = height * np.clip(rng.lognormal(-0.85, 0.45) * (0.45 + 0.75 * bulk), 0.1, 1)
        _tower(draw, stage, rng, x * scale, width * scale, tall * scale, air, height * scale)
        x += width * rng.uniform(0.7, 1.15)
    pixels = f32(image.reduce(scale)) / np.float32(255)
    colour = np.clip(np.moveaxis(pixels[..., :3], -1, 0) / np.maximum(pixels[..., 3], 1e-3), 0, 1)
    rows = np.arange(stage.height, dtype=np.float32)[:, None]
    ground = smoothstep(height * 0.5, 0, stage.horizon - rows) * 0.35 * (1 - air)
    return Cutout(stage, mix(colour, stage.palette.haze, ground), pixels[..., 3], nearness)


def _tower(
    draw: ImageDraw.ImageDraw,
    stage: Stage,
    rng: np.random.Generator,
    x: float,
    width: float,
    tall: float,
    air: float,
    whole: float,
) -> None:
    palette, base = stage.palette, stage.horizon * 2 + 2
    wall = mix(rgb(rng.choice(["5c6470", "6e6a6a", "4d5a68", "7a6f66", "566069"])), rgb("9aa4ae"), rng.uniform(0, 0.4))
    light = mix(palette.ambient * 0.55, palette.direct, 0.25)
    front = mix(wall * light, palette.haze, air)
    side = mix(wall * mix(palette.ambient * 0.35, palette.direct, 0.06), palette.haze, air)
    left_lit = stage.sun_x < x / 2
    depth = width * rng.uniform(0.15, 0.4)
    for part, (a, b) in (
        (side if left_lit else front, (x + width - depth, x + width)),
        (front if left_lit else side, (x, x + width - depth)),
    ):
        draw.rectangle([a, base - tall, b, base], fill=_ink(part))
    style = rng.integers(4)
    if style == 0:
        draw.rectangle([x + width * 0.25, base - tall * 1.06, x + width * 0.7, base - tall], fill=_ink(front))
    elif style == 1 and tall > whole * 0.5:
        draw.line(
            [x + width / 2, base - tall * 1.22, x + width / 2, base - tall],
            fill=_ink(side),
            width=max(2, int(width * 0.03)),
        )
        draw.polygon(
            [(x + width * 0.2, base - tall), (x + width * 0.8, base - tall), (x + width / 2, base - tall * 1.1)],
            fill=_ink(front),
        )
    _windows(draw, stage, rng, x, width, tall, front, air, whole)


def _windows(
    draw: ImageDraw.ImageDraw,
    stage: Stage,
    rng: np.random.Generator,
    x: float,
    width: float,
    tall: float,
    front: Colour,
    air: float,
    whole: float,
) -> None:
    base = stage.horizon * 2
    pitch_y, pitch_x = max(3.0, whole * 0.021), max(3.0, whole * rng.choice([0.013, 0.018, 0.026]))
    glass = mix(front, mix(stage.palette.zenith, stage.palette.horizon, rng.uniform(0.2, 0.9)), 0.45 * (1 - air))
    share = lit_share(stage) * rng.uniform(0.5, 1.5)
    lamp = rgb(rng.choice(LAMPS))
    for y in np.arange(base - tall + pitch_y, base - pitch_y * 0.5, pitch_y):
        whole_floor = rng.uniform() < share * 0.08
        for column in np.arange(x + pitch_x * 0.5, x + width - pitch_x * 0.8, pitch_x):
            lit = whole_floor or rng.uniform() < share
            tone = mix(front, lamp, rng.uniform(0.45, 1) * (1 - air * 0.6)) if lit else glass * rng.uniform(0.85, 1.1)
            draw.rectangle([column, y, column + pitch_x * 0.58, y + pitch_y * 0.55], fill=_ink(tone))


def _ink(colour: Numbers) -> tuple[int, int, int, int]:
    red, green, blue = (int(np.clip(v, 0, 1) * 255) for v in colour.ravel())
    return red, green, blue, 255


class Traffic:
    """Lamps that pass along the foot of the skyline both ways: white ones come, red ones go."""

    def __init__(self, stage: Stage, row: float, size: float, nearness: float, strength: float) -> None:
        rng = stage.rng("traffic")
        count = int(stage.width / stage.unit * 0.28)
        self._stage, self._size, self._nearness = stage, size, nearness
        self._span = stage.width * 1.3
        self._lanes = []
        for colour, way, drop in ((rgb("fff0cc"), 1, 0.0), (rgb("ff5038"), -1, size * 1.4)):
            start = rng.uniform(0, self._span, count)
            speed = way * rng.uniform(3.5, 6.5, count) * stage.unit
            light = rng.uniform(0.5, 1, count) * strength
            self._lanes.append((colour, start, speed, np.full(count, row + drop), light))

    def paint(self, canvas: Canvas, seconds: float) -> None:
        shift = sway(self._stage, seconds) * SWAY * self._stage.unit * self._nearness
        for colour, start, speed, row, light in self._lanes:
            x = (start + speed * seconds - shift) % self._span - 0.15 * self._stage.width
            splat(canvas, np.stack([row, x]), light, self._size, colour)
            splat(canvas, np.stack([row, x]), light * 0.28, self._size * 3.2, colour)


class Beacons:
    """Red lamps on the tops of the tallest towers of a row, each flashing at its own beat."""

    def __init__(self, stage: Stage, towers: Cutout, nearness: float) -> None:
        rng = stage.rng("beacons")
        self._stage, self._nearness, self._reach = stage, nearness, margin(stage, nearness)
        tops = towers.tops()
        step = max(1, round(stage.unit * 7))
        columns = np.array([start + int(np.argmin(tops[start : start + step])) for start in range(0, len(tops), step)])
        highest = columns[np.argsort(tops[columns])[:7]]
        self._place = np.stack([tops[highest], highest]).astype(np.float32)
        self._rate, self._phase = rng.uniform(2.2, 4.2, len(highest)), rng.uniform(0, 6.28, len(highest))

    def paint(self, canvas: Canvas, seconds: float) -> None:
        shift = self._reach + sway(self._stage, seconds) * SWAY * self._stage.unit * self._nearness
        light = np.clip(np.sin(self._rate * seconds + self._phase), 0, 1) ** 2 * 0.95
        splat(canvas, self._place - [[0], [shift]], light, max(0.3 * self._stage.unit, 0.5), rgb("ff4a3c"))
