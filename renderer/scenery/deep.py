"""Under water: light that comes down through the waves, a sandy floor with caustics, shoals."""

import numpy as np
from PIL import Image, ImageDraw

from renderer.scenery.light import Colour, gradient, rgb
from renderer.scenery.noise import Canvas, Numbers, Plane, f32, fractal, mix, sample, smoothstep
from renderer.scenery.sprites import stamp
from renderer.scenery.stage import Stage


class Depths:
    """Water from the bright surface down to the dark: fills the canvas."""

    def __init__(self, stage: Stage, bright: Colour, dark: Colour) -> None:
        y, x = np.mgrid[0 : stage.height, 0 : stage.width].astype(np.float32)
        down = y / stage.height
        stops = [(0.0, mix(bright, rgb("ffffff"), 0.25)), (0.16, bright), (0.55, mix(bright, dark, 0.62)), (1.1, dark)]
        side = np.abs(x - stage.sun_x) / stage.focal
        picture = gradient(stops, down + 0.22 * side)
        cloud = fractal(stage.rng("murk"), stage.height, stage.width, 2.2)
        self._picture = (picture * (1 + 0.05 * cloud)).astype(np.float32)

    def paint(self, canvas: Canvas, seconds: float) -> None:
        np.copyto(canvas, self._picture)


_SIZE = 512
"Side of the textures of the floor, a power of two."


class SeaFloor:
    """Sand in perspective with the dancing net of light that waves throw on it."""

    def __init__(self, stage: Stage, colour: Numbers, light: Colour) -> None:
        rng = stage.rng("floor")
        self._top = stage.horizon
        rows = np.arange(stage.height - self._top, dtype=np.float32)[:, None]
        distance = stage.focal / (rows + stage.focal * 0.045)
        view = (np.arange(stage.width, dtype=np.float32)[None, :] - stage.width / 2) / np.float32(stage.focal)
        across = view * distance
        ripples = fractal(rng, _SIZE, _SIZE, 1.5, stretch=0.4)
        texture = sample(ripples, distance * 46 + 0 * across, across * 46)
        bump = sample(ripples, distance * 46 + 2, across * 46) - texture
        sand = colour * (1 + 0.09 * texture + 0.22 * bump)
        fog = np.clip(1.15 * np.exp(-rows / (stage.unit * 11)), 0, 1)
        self._sand, self._fog = sand.astype(np.float32), fog.astype(np.float32)
        self._light = (light * 1.5).astype(np.float32)
        # Caustics are where two drifting folds of noise both run close to zero.
        self._nets = []
        for scale in (62.0, 49.0):
            fold = np.abs(fractal(rng, _SIZE, _SIZE, 2.2, low=14))
            u = (distance * scale + 0 * across).astype(np.float32)
            v = (across * scale).astype(np.float32)
            self._nets.append((np.exp(-fold * 3.2).astype(np.float32), u, v))

    def paint(self, canvas: Canvas, seconds: float) -> None:
        first, second = (self._net(k, way, seconds) for k, way in enumerate((-1, 1)))
        net = smoothstep(0.25, 0.95, np.minimum(first, second))
        floor = self._sand * (np.float32(0.62) + self._light * net)
        below = canvas[:, self._top :]
        floor += (below - floor) * self._fog
        np.clip(floor, 0, 1, out=floor)
        canvas[:, self._top :] = floor

    def _net(self, number: int, way: int, seconds: float) -> Plane:
        texture, down, right = self._nets[number]
        place = (down + np.float32(seconds * 7 * way + 800)).astype(np.int32) & (_SIZE - 1)
        place *= _SIZE
        place += (right + np.float32(seconds * 5 * way + 4096)).astype(np.int32) & (_SIZE - 1)
        return f32(texture.take(place))


class Shoal:
    """Fish that swim across together, their tails beating."""

    def __init__(self, stage: Stage, name: str, colour: Colour, count: int, length: float, height: float) -> None:
        rng = stage.rng(f"shoal/{name}")
        self._stage, self._colour = stage, colour
        self._way = rng.choice([-1, 1])
        self._speed = length * rng.uniform(1.1, 1.5)
        spread = np.array([[length * 2.0], [length * 4.5]])
        self._place = np.array([[height], [rng.uniform(0, stage.width)]]) + rng.normal(0, 1, (2, count)) * spread
        self._phase = rng.uniform(0, 2 * np.pi, count)
        self._shapes = [_fish(length, np.sin(2 * np.pi * k / 8), self._way) for k in range(8)]
        self._span = stage.width + length * 30

    def paint(self, canvas: Canvas, seconds: float) -> None:
        x = (self._place[1] + self._way * self._speed * seconds) % self._span - 15 * self._shapes[0].shape[1] / 1.2
        y = self._place[0] + np.sin(seconds * 0.6 + self._phase * 0.3) * self._stage.unit * 1.5
        beat = ((seconds * 2.2 + self._phase) * 8).astype(int) % 8
        for row, column, k in zip(y, x, beat, strict=True):
            stamp(canvas, self._shapes[k], row, column, self._colour)


def _fish(length: float, bend: float, way: int) -> np.ndarray:
    size = max(4, int(length * 1.2))
    fine = 4
    image = Image.new("L", (size * fine, size * fine // 2))
    draw = ImageDraw.Draw(image)
    s = np.linspace(0, 1, 14)
    half = 0.085 * np.sin(np.pi * np.minimum(s * 1.12, 1) ** 0.75) + 0.004
    spine = bend * 0.05 * s**2
    x, y = (0.04 + 0.78 * s) * size * fine, size * fine * (0.25 + spine)
    outline = np.concatenate([np.stack([x, y - half * size * fine], 1), np.stack([x, y + half * size * fine], 1)[::-1]])
    draw.polygon([tuple(p) for p in outline.tolist()], fill=220)
    tip = y[-1]
    tail = [
        (x[-1] - 2, tip),
        (size * fine * 0.98, tip - size * fine * (0.1 - bend * 0.03)),
        (size * fine * 0.9, tip),
        (size * fine * 0.98, tip + size * fine * (0.1 + bend * 0.03)),
    ]
    draw.polygon(tail, fill=200)
    plane = np.asarray(image.reduce(fine), np.float32) / 255
    return plane if way < 0 else plane[:, ::-1]
