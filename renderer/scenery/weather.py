"""Things in the air: rain, and motes of every kind (snow, pollen, fireflies, bubbles, sparks)."""

from dataclasses import dataclass

import numpy as np

from renderer.scenery.noise import Canvas, Numbers, Plane, blur
from renderer.scenery.sprites import splat
from renderer.scenery.stage import Stage


@dataclass(frozen=True)
class Swarm:
    """Appearance and movement of a kind of mote; lengths are hundredths of the longer side, times seconds."""

    density: float
    "Motes per tenth by tenth of the longer side."
    size: tuple[float, float]
    "Radius, smallest and largest; larger ones are nearer, so faster."
    velocity: tuple[float, float]
    "Right and down, of a mote of middling size."
    wander: float
    "Swing of a mote about its way."
    light: float
    "Opacity of the brightest."
    twinkle: float = 0.0
    "Share of the light that comes and goes."
    band: tuple[float, float] = (0.0, 1.0)
    "Rows it fills, as shares of the height."


class Motes:
    """Soft points that drift, each on its own swinging way."""

    def __init__(self, stage: Stage, swarm: Swarm, colour: Numbers, name: str) -> None:
        rng = stage.rng(f"motes/{name}")
        unit, self._swarm, self._colour = stage.unit, swarm, colour
        self._top, end = stage.height * swarm.band[0], stage.height * swarm.band[1]
        count = max(6, int(swarm.density * stage.width * (end - self._top) / (10 * unit) ** 2))
        share = np.sort(rng.uniform(0, 1, count) ** 2.2)
        radius = np.maximum((swarm.size[0] + (swarm.size[1] - swarm.size[0]) * share) * unit, 0.45)
        self._pad = 3 * radius.max() + swarm.wander * unit
        self._span = np.array([[end - self._top], [stage.width]]) + 2 * self._pad
        self._start = rng.uniform(0, 1, (2, count)) * self._span
        pace = (0.55 + 0.9 * share) * rng.uniform(0.8, 1.2, count) * unit
        self._velocity = np.array([[swarm.velocity[1]], [swarm.velocity[0]]]) * pace
        self._rate = rng.uniform(0.4, 1.3, (2, count)) * 1.4
        self._phase = rng.uniform(0, 2 * np.pi, (3, count))
        self._swing = swarm.wander * unit * np.array([[0.4], [1.0]])
        self._light = swarm.light * rng.uniform(0.35, 1, count)
        self._groups = _by_size(radius)

    def paint(self, canvas: Canvas, seconds: float) -> None:
        place = self._start + self._velocity * seconds
        place += self._swing * np.sin(self._rate * seconds + self._phase[:2])
        place = place % self._span - self._pad
        place[0] += self._top
        pulse = 0.5 + 0.5 * np.sin(self._rate[1] * 2.2 * seconds + self._phase[2])
        light = self._light * (1 - self._swarm.twinkle + self._swarm.twinkle * pulse**2)
        for some, radius in self._groups:
            splat(canvas, place[:, some], light[some], radius, self._colour)


def _by_size(radius: Numbers) -> list[tuple[Numbers, float]]:
    """Motes in groups of about the same radius, because a group is drawn together."""
    level = np.round(np.log2(radius) * 2).astype(int)
    return [(np.flatnonzero(level == one), float(2 ** (one / 2))) for one in np.unique(level)]


class Rain:
    """Streaks in three depths, falling at a slant."""

    def __init__(self, stage: Stage, slant: float) -> None:
        rng = stage.rng("rain")
        self._colour = (stage.palette.horizon * 0.5 + 0.5).astype(np.float32)
        unit = stage.unit
        self._sheets = []
        for count, length, width, light, speed in (
            (2.4, 3, 0.35, 0.2, 130),
            (0.9, 6, 0.5, 0.26, 190),
            (0.2, 12, 0.8, 0.3, 270),
        ):
            sheet = _streaks(stage, rng, int(count * 600), length * unit, width, slant) * light
            self._sheets.append((sheet.astype(np.float32), speed * unit, slant))

    def paint(self, canvas: Canvas, seconds: float) -> None:
        _, height, width = canvas.shape
        total = np.zeros((height, width), np.float32)
        for sheet, speed, slant in self._sheets:
            rows, columns = sheet.shape[0] - height, sheet.shape[1] - width
            top, left = int(-speed * seconds) % rows, int(-speed * slant * seconds) % columns
            total += sheet[top : top + height, left : left + width]
        for channel, colour in zip(canvas, self._colour.ravel(), strict=True):
            channel += (colour - channel) * total


def _streaks(stage: Stage, rng: np.random.Generator, count: int, length: float, width: float, slant: float) -> Plane:
    """A tileable sheet of streaks, repeated so that any window of the picture's size can be cut from it."""
    rows, columns = round(stage.height * 1.13), round(stage.width * 1.07)
    sheet = np.zeros((rows, columns), np.float32)
    steps = max(2, round(length))
    y, x, light = rng.uniform(0, rows, count), rng.uniform(0, columns, count), rng.uniform(0.3, 1, count)
    for step in range(steps):
        fade = np.sin(np.pi * (step + 0.5) / steps)
        at = x + slant * step
        left = np.floor(at).astype(int)
        for column, share in ((left, 1 - (at - left)), (left + 1, at - left)):
            sheet[(y + step).astype(int) % rows, column % columns] += light * share * fade
    sheet = np.clip(blur(sheet, 0.01, width) * (1 + width * 1.6), 0, 1)
    return np.tile(sheet, (2, 2))[: rows + stage.height, : columns + stage.width]


def snowfall(stage: Stage, wind: float) -> list[Motes]:
    """Near and far flakes."""
    white = (stage.palette.sun * 0.35 + stage.palette.horizon * 0.65) * 0.6 + 0.4
    far = Swarm(7, (0.09, 0.24), (wind * 0.7, 6), 1.2, 0.75)
    near = Swarm(0.5, (0.3, 0.8), (wind * 1.3, 13), 2.5, 0.6)
    return [Motes(stage, far, white, "far flakes"), Motes(stage, near, white, "near flakes")]
