"""Outer space: a nebula, stars in depth, and a turning planet."""

import numpy as np

from renderer.scenery.light import Colour, rgb
from renderer.scenery.noise import Canvas, fractal, mix, screen, slide, smoothstep, wrapped
from renderer.scenery.stage import Stage


class Nebula:
    """Glowing gas and dense small stars that drift slowly by; fills the canvas."""

    def __init__(self, stage: Stage, colours: tuple[Colour, Colour, Colour]) -> None:
        rng = stage.rng("nebula")
        height, width = stage.height, stage.width * 2
        dark, first, second = colours
        gas, other = fractal(rng, height, width, 1.9), fractal(rng, height, width, 1.9)
        dust = fractal(rng, height, width, 1.6)
        rows = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
        lane = np.exp(-(((rows + 0.35 * fractal(rng, height, width, 2.8)) / 0.55) ** 2))
        picture = np.ones((3, height, width), np.float32) * dark
        picture = screen(picture, first * (smoothstep(-0.4, 2.2, gas) * lane * 0.85))
        picture = screen(picture, second * (smoothstep(0.1, 2.4, other + 0.5 * gas) * lane * 0.8))
        picture *= 1 - 0.6 * smoothstep(0.3, 2.0, dust) * lane
        self._back = wrapped(picture.astype(np.float32), stage.width)
        self._width, self._speed = stage.width, stage.unit * 0.35 * rng.choice([-1, 1])

    def paint(self, canvas: Canvas, seconds: float) -> None:
        np.copyto(canvas, slide(self._back, seconds * self._speed, self._width))


class Planet:
    """A sphere that turns, lit from one side, with a rim of air."""

    def __init__(self, stage: Stage, colours: tuple[Colour, Colour, Colour], giant: bool) -> None:
        rng = stage.rng("planet")
        radius = min(stage.width, stage.height) * rng.uniform(0.26, 0.62)
        self._texture = _surface(rng, colours, giant)
        self._size = self._texture.shape[2]
        x0, y0 = (
            stage.width * rng.choice([rng.uniform(0.12, 0.35), rng.uniform(0.65, 0.88)]),
            stage.height * rng.uniform(0.35, 0.85),
        )
        rim = 1.25
        top, end = int(max(0, y0 - radius * rim)), int(min(stage.height, y0 + radius * rim))
        left, right = int(max(0, x0 - radius * rim)), int(min(stage.width, x0 + radius * rim))
        self._box = slice(top, end), slice(left, right)
        y, x = np.mgrid[top:end, left:right].astype(np.float32)
        dx, dy = (x - x0) / radius, (y - y0) / radius
        away = np.hypot(dx, dy)
        inside = np.clip(1 - away**2, 0, 1)
        dz = np.sqrt(inside)
        tilt = rng.uniform(-0.5, 0.5)
        u, v = dx * np.cos(tilt) + dy * np.sin(tilt), dy * np.cos(tilt) - dx * np.sin(tilt)
        self._row = (np.arcsin(np.clip(v, -1, 1)) / np.pi + 0.5) * (self._texture.shape[1] - 1)
        self._row = self._row.astype(np.int32) * self._size
        self._turn = (np.arctan2(u, dz) / (2 * np.pi) * self._size).astype(np.float32)
        way = rng.uniform(-0.9, 0.9) + (np.pi if x0 > stage.width / 2 else 0)
        light = np.array([np.cos(way), -0.35, 0.35])
        light /= np.linalg.norm(light)
        facing = dx * light[0] + dy * light[1] + dz * light[2]
        self._shade = (smoothstep(-0.12, 0.75, facing) * (0.55 + 0.45 * dz) * 1.1).astype(np.float32)
        self._cover = np.clip((1 - away) * radius + 0.5, 0, 1).astype(np.float32)
        outside = (
            np.exp(-np.clip(away - 1, 0, None) / 0.045)
            * (away > 0.985)
            * smoothstep(-0.5, 0.6, dx * light[0] + dy * light[1])
        )
        within = self._cover * (1 - dz) ** 2.5 * smoothstep(-0.2, 0.6, facing) * 0.8
        self._air = (colours[2] * np.clip(outside * 0.55 + within, 0, 1)).astype(np.float32)
        self._speed = self._size / (2 * np.pi) * 0.035

    def paint(self, canvas: Canvas, seconds: float) -> None:
        turn = self._turn + np.float32(seconds * self._speed + self._size)
        left = turn.astype(np.int32)
        share = turn - left
        here, there = self._row + left % self._size, self._row + (left + 1) % self._size
        window = canvas[(slice(None), *self._box)]
        for channel in range(3):
            plane = self._texture[channel].ravel()
            ground = plane.take(here)
            ground += (plane.take(there) - ground) * share
            ground *= self._shade
            window[channel] += (ground - window[channel]) * self._cover
            window[channel] += self._air[channel] * (1 - window[channel])


def _surface(rng: np.random.Generator, colours: tuple[Colour, Colour, Colour], giant: bool) -> Canvas:
    height, width = 512, 1024
    dark, bright, air = colours
    if giant:
        rows = np.arange(height, dtype=np.float32)[:, None]
        bands = fractal(rng, height, width, 1.4, stretch=14) + 0.35 * fractal(rng, height, width, 1.6, stretch=3)
        bands = bands + 0.6 * np.sin(rows / height * np.pi * rng.uniform(8, 15))
        return mix(dark, bright, smoothstep(-1.6, 1.8, bands)).astype(np.float32)
    land = fractal(rng, height, width, 1.8)
    ground = mix(dark, bright, smoothstep(0.15, 0.3, land) * (0.75 + 0.25 * smoothstep(0, 2, land)))
    cloud = smoothstep(0.2, 1.9, fractal(rng, height, width, 1.6, stretch=2.2))
    return mix(ground, mix(air, rgb("ffffff"), 0.75), cloud * 0.85).astype(np.float32)
