"""Blades that bend in a wind: grass, and weed under water."""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from renderer.scenery.land import SWAY, margin, sway
from renderer.scenery.light import Colour
from renderer.scenery.noise import Canvas, Numbers, Plane, f32, mix
from renderer.scenery.stage import Stage

FINE = 2
"Factor by which blades are drawn larger before they are shrunk."


@dataclass(frozen=True)
class Blades:
    """The plants along the bottom of the picture."""

    height: float
    "Of a usual blade, in pixels."
    dark: Colour
    bright: Colour
    dense: float = 1.6
    "Blades per column."
    blooms: tuple[Colour, ...] = ()
    "Colours of the flowers among them."


class Swaying:
    """A strip of blades whose tips follow gusts that run through them."""

    def __init__(self, stage: Stage, name: str, blades: Blades, nearness: float) -> None:
        rng = stage.rng(f"grass/{name}")
        self._stage, self._nearness, self._reach = stage, nearness, margin(stage, nearness)
        self._columns, rows = stage.width + 2 * self._reach, int(blades.height * 1.5)
        self._top = stage.height - rows
        picture, opacity = _strip(rng, self._columns, rows, blades)
        self._planes = np.concatenate([picture * opacity, 1 - opacity[None]]).reshape(4, -1).astype(np.float32)
        up = np.linspace(1, 0, rows, dtype=np.float32)[:, None]
        self._bend = up**1.6 * np.float32(blades.height * 0.22)
        self._row_start = (np.arange(rows, dtype=np.int32) * self._columns)[:, None]
        self._x = np.arange(stage.width, dtype=np.float32)
        self._gust = rng.uniform(0.5, 0.9) * rng.choice([-1, 1])

    def paint(self, canvas: Canvas, seconds: float) -> None:
        stage = self._stage
        offset = self._reach + sway(stage, seconds) * SWAY * stage.unit * self._nearness
        place = self._bend * self._wind(seconds)
        place += self._x + np.float32(offset)
        np.clip(place, 0, self._columns - 2, out=place)
        left = place.astype(np.int32)
        share = place - left
        left += self._row_start
        *colours, gap = (_between(plane, left, share) for plane in self._planes)
        for channel, colour in zip(canvas[:, self._top :], colours, strict=True):
            channel *= gap
            channel += colour

    def _wind(self, seconds: float) -> Plane:
        x, gust = self._x / np.float32(self._stage.unit), self._gust
        wind = np.sin(x * 0.11 - 1.5 * gust * seconds) + 0.5 * np.sin(x * 0.29 - 2.6 * gust * seconds + 1)
        wind += 0.25 * np.sin(x * 0.9 - 4.1 * gust * seconds) + 0.5
        return f32(wind)


def _between(plane: Plane, left: Numbers, share: Plane) -> Plane:
    here = plane.take(left)
    here += (plane.take(left + 1) - here) * share
    return here


def _strip(rng: np.random.Generator, columns: int, rows: int, blades: Blades) -> tuple[Canvas, Plane]:
    """(picture, opacity) of the blades, the back ones first and brighter, because light falls on them from behind."""
    image = Image.new("RGBA", (columns * FINE, rows * FINE), (0, 0, 0, 0))
    draw = ImageDraw.Draw(image)
    count = int(columns * blades.dense)
    for number in range(count):
        share = number / count
        length = blades.height * rng.uniform(0.35, 1.3) * (1 - 0.35 * share)
        tone = mix(blades.dark, blades.bright, rng.uniform(0, 1) * (1 - 0.6 * share))
        tip = _blade(draw, rng, rng.uniform(0, columns), rows, length, blades.height, tone)
        if blades.blooms and rng.uniform() < 0.07:
            _bloom(draw, tip, blades.height * rng.uniform(0.03, 0.06), blades.blooms[rng.integers(len(blades.blooms))])
    pixels = np.asarray(image.reduce(FINE), np.float32) / np.float32(255)
    colour = np.moveaxis(pixels[..., :3], -1, 0)
    return colour, pixels[..., 3]


def _blade(
    draw: ImageDraw.ImageDraw,
    rng: np.random.Generator,
    x: float,
    foot: float,
    length: float,
    height: float,
    tone: Colour,
) -> tuple[float, float]:
    """Draws one blade and returns its tip (x, y)."""
    bend, width = rng.normal(0, 0.22) * length, max(0.6, height * 0.022 * rng.uniform(0.6, 1.4))
    knee, top = foot - length * 0.6, foot - length
    x_knee, x_top = x + bend * 0.35, x + bend
    points = [
        (x - width, foot),
        (x + width, foot),
        (x_knee + width * 0.7, knee),
        (x_top, top),
        (x_knee - width * 0.7, knee),
    ]
    draw.polygon([(a * FINE, b * FINE) for a, b in points], fill=_ink(tone))
    return x_top, top


def _bloom(draw: ImageDraw.ImageDraw, tip: tuple[float, float], size: float, colour: Colour) -> None:
    x, y = tip[0] * FINE, tip[1] * FINE
    wide, high = size * FINE, size * FINE * 0.75
    draw.ellipse([x - wide, y - high, x + wide, y + high], fill=_ink(colour))


def _ink(colour: Colour) -> tuple[int, int, int, int]:
    red, green, blue = (int(np.clip(value, 0, 1) * 255) for value in colour.ravel())
    return red, green, blue, 255
