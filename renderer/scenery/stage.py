"""The stage of a scene: the framing that all layers share, and the loop that turns layers into frames."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from common.contracts.footage import SceneryRecipe
from renderer.scenery.light import Palette
from renderer.scenery.noise import Canvas, Plane, blur, f32


class Layer(Protocol):
    """One part of the picture. Its state never changes after construction: a frame depends on its time alone."""

    def paint(self, canvas: Canvas, seconds: float) -> None:
        """Draws over what the layers before have drawn."""


@dataclass(frozen=True)
class Stage:
    """The camera and the light of one shot; lengths are pixels."""

    width: int
    height: int
    horizon: int
    "The row of eye level."
    focal: float
    "Pixels per unit of tangent."
    sun_x: float
    sun_y: float
    palette: Palette
    camera_phase: float
    "Point of its sway at which the camera starts, 0 to 1."
    recipe: SceneryRecipe

    @property
    def unit(self) -> float:
        """A hundredth of the longer side: the measure for everything that has a size in the picture."""
        return max(self.width, self.height) / 100

    def rng(self, name: str) -> np.random.Generator:
        """A stream of random numbers of its own for each named purpose, so that layers do not disturb each other."""
        return stream(self.recipe, name)


def stream(recipe: SceneryRecipe, name: str) -> np.random.Generator:
    """Random numbers that depend on the recipe and a purpose, the same on every machine."""
    digest = hashlib.sha256(f"{recipe.theme}/{recipe.light}/{recipe.seed}/{name}".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:8], "big"))


def perform(layers: Sequence[Layer], stage: Stage, fps: int, first_frame: int, frames: int) -> Iterator[bytes]:
    """The frames as rgb24 bytes."""
    canvas = np.zeros((3, stage.height, stage.width), np.float32)
    grain = _grain(stage)
    for number in range(first_frame, first_frame + frames):
        for layer in layers:
            layer.paint(canvas, number / fps)
        yield _quantised(canvas, grain, number)


_GRAIN = 61
"Places the grain may start at, each way; a prime, so that it takes long to come back."


def _grain(stage: Stage) -> Plane:
    """High-passed noise of about one code value, to hide the steps of 8-bit gradients, and half a code to round."""
    white = stage.rng("grain").standard_normal((stage.height + _GRAIN, stage.width + _GRAIN)).astype(np.float32)
    high = white - blur(white, 0.8)
    return f32(high / high.std() * 0.6 + 0.5)


def _quantised(canvas: Canvas, grain: Plane, number: int) -> bytes:
    _, height, width = canvas.shape
    top, left = number * 23 % _GRAIN, number * 37 % _GRAIN
    window = grain[top : top + height, left : left + width]
    frame = np.empty((height, width, 3), np.uint8)
    for channel in range(3):
        levels = canvas[channel] * np.float32(255)
        levels += window
        frame[..., channel] = np.clip(levels, 0, 255, out=levels)
    return frame.tobytes()
