"""Small things put into the picture: soft spots by the hundred, and silhouettes one by one."""

import numpy as np

from renderer.scenery.light import Colour
from renderer.scenery.noise import Canvas, Numbers, Plane


def splat(canvas: Canvas, place: Numbers, light: Numbers, radius: float, colour: Colour) -> None:
    """Mixes soft round spots of one radius into the canvas, `place` being (row, column) by spot.

    Where spots share a pixel the last one wins.
    """
    _, height, width = canvas.shape
    reach = int(np.ceil(radius * 2))
    dy, dx = (one.ravel()[None, :] for one in np.mgrid[-reach : reach + 1, -reach : reach + 1])
    row, column = (np.round(one).astype(np.int32)[:, None] for one in place)
    y, x = row + dy, column + dx
    distance = (y - place[0][:, None]) ** 2 + (x - place[1][:, None]) ** 2
    share = (light[:, None] * np.exp(distance * (-1 / radius**2))).astype(np.float32)
    inside = (y >= 0) & (y < height) & (x >= 0) & (x < width) & (share > 0.003)
    at, share = (y * width + x)[inside], share[inside]
    for channel, value in zip(canvas.reshape(3, -1), colour.ravel(), strict=True):
        here = channel[at]
        channel[at] = here + (value - here) * share


def stamp(canvas: Canvas, shape: Plane, row: float, column: float, colour: Colour) -> None:
    """Mixes a small silhouette (opacity plane) into the canvas around a place, cut off at the edges."""
    height, width = canvas.shape[1:]
    top, left = int(row - shape.shape[0] / 2), int(column - shape.shape[1] / 2)
    a, b = max(top, 0), min(top + shape.shape[0], height)
    c, d = max(left, 0), min(left + shape.shape[1], width)
    if a >= b or c >= d:
        return
    part = shape[a - top : b - top, c - left : d - left]
    window = canvas[:, a:b, c:d]
    window += (colour - window) * part
