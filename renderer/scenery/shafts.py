"""Beams of light that fan out from a point and shift slowly: sun in mist, sun under water."""

import numpy as np

from renderer.scenery.light import Colour
from renderer.scenery.noise import Canvas, line, smoothstep
from renderer.scenery.stage import Stage

_STEPS = 2048
"Directions a full turn is cut into."


class Shafts:
    """Light added along directions from (`x`, `y`), fading over `reach` pixels."""

    def __init__(self, stage: Stage, x: float, y: float, reach: float, colour: Colour, strength: float) -> None:
        rng = stage.rng("shafts")
        rows, columns = np.mgrid[0 : stage.height, 0 : stage.width].astype(np.float32)
        dx, dy = columns - x, rows - y
        angle = np.arctan2(dy, dx) / (2 * np.pi) * _STEPS
        self._place = angle.astype(np.int32) % _STEPS
        distance = np.hypot(dx, dy) / reach
        self._fade = (strength * np.exp(-distance * 1.6) * smoothstep(0.02, 0.25, distance)).astype(np.float32)
        self._lines = [line(rng, _STEPS, 2.0, low) for low in (26, 47)]
        self._colour = colour

    def paint(self, canvas: Canvas, seconds: float) -> None:
        first = np.interp(np.arange(_STEPS) + seconds * 9.0, np.arange(_STEPS), self._lines[0], period=_STEPS)
        second = np.interp(np.arange(_STEPS) - seconds * 6.0, np.arange(_STEPS), self._lines[1], period=_STEPS)
        beams = smoothstep(-0.6, 2.6, first + second * 0.8 + 0.5 * np.sin(seconds * 0.5))
        light = beams.take(self._place)
        light *= self._fade
        for channel, colour in zip(canvas, self._colour.ravel(), strict=True):
            channel += light * np.float32(colour) * (1 - channel)
