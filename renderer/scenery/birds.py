"""Gulls: a few far wings against the sky."""

import numpy as np
from PIL import Image, ImageDraw

from renderer.scenery.noise import Canvas, Plane
from renderer.scenery.sprites import stamp
from renderer.scenery.stage import Stage

_POSES = 16
"Positions of the wings in one beat."


class Gulls:
    """Birds that cross the sky in a loose group, beating their wings for a while and then gliding."""

    def __init__(self, stage: Stage) -> None:
        rng = stage.rng("gulls")
        count = int(rng.integers(3, 8))
        unit, way = stage.unit, rng.choice([-1, 1])
        self._span = stage.width * 1.8
        self._x = rng.uniform(0, 0.35, count) * stage.width + rng.uniform(0, stage.width)
        self._y = stage.horizon * rng.uniform(0.25, 0.7) + rng.normal(0, 3.0, count) * unit
        self._speed = way * rng.uniform(2.6, 3.4) * unit * rng.uniform(0.94, 1.06, count)
        self._phase, self._bob = rng.uniform(0, 6.28, count), unit * 0.7
        size = rng.uniform(1.5, 3.0) * unit
        self._poses = [_gull(size, np.sin(2 * np.pi * k / _POSES)) for k in range(_POSES)]
        self._glide = _gull(size, 0.35)
        self._colour = (stage.palette.cloud_shade * 0.45).astype(np.float32)

    def paint(self, canvas: Canvas, seconds: float) -> None:
        x = (self._x + self._speed * seconds) % self._span - 0.4 * self._span / 1.8
        y = self._y + self._bob * np.sin(seconds * 0.8 + self._phase)
        beating = np.sin(seconds * 0.7 + self._phase * 3) > -0.3
        pose = (seconds * 1.9 * _POSES + self._phase * 7).astype(int) % _POSES
        for row, column, beats, k in zip(y, x, beating, pose, strict=True):
            stamp(canvas, self._poses[k] if beats else self._glide, row, column, self._colour)


def _gull(size: float, lift: float) -> Plane:
    """A gull seen from the side of its flight, its wingtips raised by `lift` (-1 to 1)."""
    fine = 6
    side = max(6, round(size * 1.3))
    image = Image.new("L", (side * fine, side * fine))
    draw = ImageDraw.Draw(image)
    centre, span = side * fine / 2, side * fine * 0.46
    for way in (-1, 1):
        along = np.linspace(0, 1, 9)
        bend = -span * (0.62 * lift * along**1.2 + 0.22 * np.sin(np.pi * along) * (0.6 + 0.4 * lift))
        thick = span * 0.10 * (1 - along) ** 0.8 + fine * 0.22
        x = centre + way * span * along * (1 - 0.12 * abs(lift))
        outline = [
            *zip(x, centre + bend - thick / 2, strict=True),
            *zip(x[::-1], (centre + bend + thick / 2)[::-1], strict=True),
        ]
        draw.polygon([(float(a), float(b)) for a, b in outline], fill=235)
    body = span * 0.16
    draw.ellipse([centre - body * 0.5, centre - body * 0.4, centre + body * 0.5, centre + body * 0.75], fill=235)
    return np.asarray(image.reduce(fine), np.float32) / np.float32(255)
