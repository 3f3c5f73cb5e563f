"""Abstract light: a slow glow of colours, and veils that wave in front of it."""

import numpy as np

from renderer.scenery.light import Colour, gradient
from renderer.scenery.noise import Canvas, Plane, f32, fractal, slide, smoothstep, wrapped
from renderer.scenery.stage import Stage

_TONES = 1024


class Glow:
    """Fills the canvas: colours that flow into each other, from dark at one side to bright at the other."""

    def __init__(self, stage: Stage, colours: list[Colour]) -> None:
        rng = stage.rng("glow")
        height, width = stage.height, stage.width
        self._width = width
        fields = [fractal(rng, height * 2, width * 2, 2.8)[:height] for _ in range(2)]
        self._fields = [wrapped(field * np.float32(0.12), width) for field in fields]
        y, x = np.mgrid[0:height, 0:width].astype(np.float32)
        angle = rng.uniform(0, 2 * np.pi)
        along = (x / width - 0.5) * np.cos(angle) + (y / height - 0.5) * np.sin(angle)
        self._ramp = (0.5 + along * 0.62).astype(np.float32)
        self._speed = [stage.unit * speed for speed in (2.6, -3.4)]
        places = np.linspace(0, 1, len(colours))
        self._tones = gradient(list(zip(places.tolist(), colours, strict=True)), np.linspace(0, 1, _TONES))

    def paint(self, canvas: Canvas, seconds: float) -> None:
        place = slide(self._fields[0], self._speed[0] * seconds, self._width)
        place += slide(self._fields[1], self._speed[1] * seconds, self._width)
        place += self._ramp
        place *= np.float32(_TONES - 1)
        index = np.clip(place, 0, _TONES - 1, out=place).astype(np.int32)
        for channel, tones in zip(canvas, self._tones, strict=True):
            tones.take(index, out=channel)


_Wave = tuple[float, float, float, float]
"Size in pixels, waves per unit, turns per second, phase; the last three in radians."


class Veils:
    """Curtains of light: each has a bright upper hem that waves, and fades away below it."""

    def __init__(self, stage: Stage, colours: list[Colour], count: int) -> None:
        rng = stage.rng("veils")
        unit = stage.unit
        self._rows = np.arange(stage.height, dtype=np.float32)[:, None]
        self._x = (np.arange(stage.width, dtype=np.float32) / np.float32(unit))[None, :]
        self._hem = _hem()
        self._veils = []
        for k in range(count):
            waves = [
                (
                    rng.uniform(2, 7) * unit / n,
                    n * rng.uniform(0.035, 0.06),
                    rng.choice([-1, 1]) * rng.uniform(0.2, 0.5),
                    rng.uniform(0, 6.3),
                )
                for n in (1, 1.7, 3.1)
            ]
            centre = stage.height * (0.12 + 0.66 * (k + rng.uniform(0.1, 0.9)) / count)
            fall = rng.uniform(9, 22) * unit
            self._veils.append((waves, centre, fall, colours[k % len(colours)] * rng.uniform(0.4, 0.75)))

    def paint(self, canvas: Canvas, seconds: float) -> None:
        dark = np.subtract(1, canvas, out=canvas)
        for waves, centre, fall, colour in self._veils:
            rows, light = self._light(waves, centre, fall, seconds)
            for channel, share in zip(dark[:, rows], colour.ravel(), strict=True):
                channel *= np.float32(1) - light * share
        np.subtract(1, dark, out=canvas)

    def _light(self, waves: list[_Wave], centre: float, fall: float, seconds: float) -> tuple[slice, Plane]:
        """(the rows a veil reaches, how bright it is there)."""
        hem = np.full_like(self._x, centre)
        bright = np.full_like(self._x, 0.55)
        for size, frequency, speed, phase in waves:
            angle = self._x * frequency + speed * seconds + phase
            hem += size * np.sin(angle)
            bright += 0.18 * np.cos(angle * 1.3 + 1)
        height = len(self._rows)
        top, end = (int(np.clip(row, 0, height)) for row in (hem.min() - 0.12 * fall, hem.max() + 1.9 * fall))
        depth = (self._rows[top:end] - hem) * np.float32((_TONES - 1) * 0.5 / fall)
        depth += np.float32(_TONES * 0.06)
        index = np.clip(depth, 0, _TONES - 1, out=depth).astype(np.int32)
        light = self._hem.take(index)
        light *= f32(np.clip(bright, 0.1, 1))
        return slice(top, end), light


def _hem() -> Plane:
    """Brightness by depth below the hem, from a little above it to twice the fall of the veil."""
    depth = (np.arange(_TONES, dtype=np.float32) / _TONES - 0.06) * 2
    rise = smoothstep(-0.05, 0.01, depth)
    fade = 0.55 * np.exp(-np.maximum(depth, 0) * 2.6) + 0.45 * np.exp(-np.maximum(depth, 0) * 26)
    return f32(rise * fade * smoothstep(1.88, 1.2, depth))
