"""Trees, drawn once as silhouettes with Pillow at a higher resolution and shrunk."""

import numpy as np
from PIL import Image, ImageDraw

from renderer.scenery.land import Cutout, margin
from renderer.scenery.light import Colour
from renderer.scenery.noise import Numbers, Plane, fractal, line, smoothstep
from renderer.scenery.stage import Stage

FINE = 3
"Factor by which silhouettes are drawn larger before they are shrunk."


class Silhouette:
    """A drawing board in picture pixels that gives an opacity plane."""

    def __init__(self, width: int, height: int) -> None:
        self._image = Image.new("L", (width * FINE, height * FINE))
        self._draw = ImageDraw.Draw(self._image)

    def polygon(self, points: Numbers) -> None:
        """`points` is (n, 2): x, y."""
        self._draw.polygon([tuple(p) for p in (points * FINE).tolist()], fill=255)

    def plane(self) -> Plane:
        return np.asarray(self._image.reduce(FINE), np.float32) / np.float32(255)


def conifer(board: Silhouette, rng: np.random.Generator, x: float, base: float, height: float) -> None:
    """A spruce: a stack of drooping branches around a stem."""
    tiers = max(5, int(height / 5))
    places = np.linspace(0, 1, tiers * 2 + 1)
    reach = height * rng.uniform(0.15, 0.22) * places**0.85
    reach[1::2] *= 0.5
    reach = reach * rng.uniform(0.75, 1.2, (2, len(places)))
    y = base - height * (1 - places)
    droop = np.where(np.arange(len(places)) % 2 == 0, height * 0.02, 0)
    left = np.stack([x - reach[0], y + droop], 1)
    right = np.stack([x + reach[1], y + droop], 1)
    board.polygon(np.concatenate([[[x, base - height * 1.03]], left, right[::-1]]))
    board.polygon(np.array([[x - height * 0.02, base], [x + height * 0.02, base], [x, base - height]]))


def treeline(
    stage: Stage,
    name: str,
    centre: float,
    waviness: float,
    size: float,
    colour: Colour,
    nearness: float,
    gaps: float = 0.0,
) -> Cutout:
    """A wood of conifers `size` pixels tall on hills around the row `centre`; solid below. `gaps` thins it out."""
    rng = stage.rng(f"trees/{name}")
    columns = stage.width + 2 * margin(stage, nearness)
    base = (centre + line(rng, columns * 2, 1.5, 2)[:columns] * waviness)[None, :]
    board = Silhouette(columns, stage.height)
    density = line(rng, columns, 1.4, 3)
    x = -size * 0.3
    while x < columns + size * 0.3:
        at = int(np.clip(x, 0, columns - 1))
        if density[at] > gaps * 1.5 - 1.2:
            conifer(board, rng, x, float(base[0, at]) + size * 0.12, size * rng.uniform(0.45, 1.05))
        x += size * rng.uniform(0.1, 0.34)
    rows = np.arange(stage.height, dtype=np.float32)[:, None]
    opacity = np.maximum(board.plane(), np.clip(rows - base + 0.5, 0, 1))
    texture = fractal(rng, stage.height, columns, 1.5)
    depth = np.clip((rows - base) / (size * 2) + 0.5, 0, 1)
    shade = (1 + 0.07 * texture) * (1.12 - 0.3 * depth)
    return Cutout(stage, colour * shade, opacity.astype(np.float32), nearness)


def trunks(stage: Stage, name: str, count: int, width: float, colour: Colour, nearness: float) -> Cutout:
    """Standing trees of one distance, inside a wood, their edges lit from the side of the disc."""
    rng = stage.rng(f"trunks/{name}")
    columns = stage.width + 2 * margin(stage, nearness)
    board = Silhouette(columns, stage.height)
    for x in rng.uniform(0, columns, count):
        _trunk(board, rng, x, width * rng.uniform(0.5, 1.3), stage.height)
    opacity = board.plane()
    bark = fractal(rng, stage.height, columns, 1.0, stretch=0.12)
    side = np.roll(opacity, round(width * 0.35) * (-1 if stage.sun_x > stage.width / 2 else 1), axis=1)
    rim = np.clip(opacity - side, 0, 1)
    picture = colour * (1 + 0.12 * bark) + rim * stage.palette.direct * 0.22
    return Cutout(stage, picture.astype(np.float32), opacity, nearness)


def _trunk(board: Silhouette, rng: np.random.Generator, x: float, width: float, height: int) -> None:
    y = np.linspace(-5, height + 5, 24)
    lean = rng.normal(0, 0.03) * height
    bend = np.cumsum(rng.normal(0, width * 0.06, len(y)))
    middle = x + lean * (y / height - 0.5) + bend
    taper = width * (0.55 + 0.45 * np.clip(y / height, 0, 1)) * 0.5
    taper[-4:] *= np.linspace(1.05, 1.6, 4)
    board.polygon(np.concatenate([np.stack([middle - taper, y], 1), np.stack([middle + taper, y], 1)[::-1]]))
    for _ in range(rng.integers(2, 6)):
        k = int(rng.integers(0, 16))
        side = rng.choice([-1, 1])
        length = rng.uniform(2, 8) * width
        bough = np.array([[0, 0], [0.4, -0.18], [0.75, -0.42], [1.0, -0.5]]) * [side * length, length]
        bough += [middle[k], y[k]]
        thick = np.array([[0, 1.0], [0, 0.7], [0, 0.4], [0, 0.08]]) * max(width * 0.11, 0.4)
        board.polygon(np.concatenate([bough - thick, (bough + thick)[::-1]]))


def canopy(stage: Stage, name: str, depth: float, colour: Colour, nearness: float) -> Cutout:
    """Leaves hanging in from above, about `depth` pixels deep, the light showing between them."""
    rng = stage.rng(f"canopy/{name}")
    columns = stage.width + 2 * margin(stage, nearness)
    rows = np.arange(stage.height, dtype=np.float32)[:, None]
    edge = depth * (1 + 0.35 * line(rng, columns * 2, 1.4, 2)[:columns])[None, :]
    mass = fractal(rng, stage.height, columns, 1.5, low=8)
    leaves = fractal(rng, stage.height, columns, 0.9, low=40)
    opacity = smoothstep(-0.25, 0.25, 1.3 * (edge - rows) / depth + 0.55 * mass + 0.3 * leaves)
    shade = 0.9 + 0.16 * leaves + 0.14 * mass + 0.35 * (rows / depth - 0.5)
    return Cutout(stage, np.clip(colour * shade, 0, 1).astype(np.float32), opacity, nearness)
