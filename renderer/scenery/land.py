"""Solid ground: height fields seen in perspective, and the cutouts that glide past each other as the camera sways."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from renderer.scenery.noise import (
    Canvas,
    Numbers,
    Plane,
    crop,
    f32,
    fractal,
    line,
    mix,
    sample,
    slide,
    smoothstep,
    wrapped,
)
from renderer.scenery.stage import Stage

SWAY = 5.0
"Sway of the nearest things to each side, in hundredths of the longer side."
PERIOD = 46.0
"Seconds of one sway there and back."


def sway(stage: Stage, seconds: float) -> float:
    """Position of the camera, from -1 to 1; every cutout of a shot follows it."""
    return float(np.sin(2 * np.pi * (seconds / PERIOD + stage.camera_phase)))


def margin(stage: Stage, nearness: float) -> int:
    """Columns a cutout needs beyond each side of the picture."""
    return int(np.ceil(SWAY * stage.unit * nearness)) + 1


class Cutout:
    """A still picture with holes that moves sideways with the camera, the more the nearer it is."""

    def __init__(self, stage: Stage, picture: Numbers, opacity: Numbers, nearness: float) -> None:
        self._stage, self._nearness = stage, nearness
        self._keep(np.concatenate([picture * opacity, 1 - opacity[None]]))

    def _keep(self, planes: Numbers) -> None:
        """Stores colour times opacity and what shows through, only the rows that hold something."""
        used = np.flatnonzero(planes[3].min(axis=1) < 0.998)
        self._top, self._end = (int(used[0]), int(used[-1]) + 1) if len(used) else (0, 0)
        self._planes = f32(np.pad(planes[:, self._top : self._end], ((0, 0), (0, 0), (0, 2)), mode="edge"))

    def _whole(self) -> Plane:
        planes = np.zeros((4, self._stage.height, self._planes.shape[2] - 2), np.float32)
        planes[3] = 1
        planes[:, self._top : self._end] = self._planes[..., :-2]
        return planes

    def behind(self, *others: "Cutout") -> "Cutout":
        """One cutout out of this one and others of the same nearness before it: it costs no more than each of them."""
        for other in others:
            front = other._whole()
            back = self._whole() * front[3]
            back[:3] += front[:3]
            self._keep(back)
        return self

    def tops(self) -> Numbers:
        """The row at which each column begins, the margins included."""
        return f32(self._top + np.argmax(self._planes[3, :, :-2] < 0.5, axis=0))

    def paint(self, canvas: Canvas, seconds: float) -> None:
        stage, reach = self._stage, margin(self._stage, self._nearness)
        offset = reach + sway(stage, seconds) * SWAY * stage.unit * self._nearness
        here = crop(self._planes, offset, stage.width)
        below = canvas[:, self._top : self._end]
        below *= here[3]
        below += here[:3]


@dataclass(frozen=True)
class Ground:
    """A height field and how it is seen; lengths are in units of the texture's side."""

    heights: Plane
    near: float
    far: float
    eye: float
    lift: float
    "Height that a value of 1 in the texture stands for."
    detail: float = 0.0
    "Share of finer noise."
    rise: float = 0.0
    "Rise of the ground over the whole distance."
    drop: float = 0.02
    "Fall of the ground towards the camera."
    haze: tuple[float, float] = (0.0, 0.8)
    "Amount of air before the nearest and the farthest ground."


Material = Callable[[Plane, Plane, Plane], Canvas]
"(height 0..1, steepness 0..1, fine noise) -> colour in white light."


def land(stage: Stage, ground: Ground, material: Material, nearness: float, name: str) -> Cutout:
    """The ground between two distances as a cutout, lit by the disc and faded by the air."""
    columns = stage.width + 2 * margin(stage, nearness)
    rng = stage.rng(f"land/{name}")
    view = (np.arange(columns, dtype=np.float32) - columns / 2) / np.float32(stage.focal)
    reach = np.geomspace(ground.near, ground.far, 260, dtype=np.float32)[:, None]
    size = ground.heights.shape[0]
    start = rng.uniform(0, size, 2)
    rows, across = start[0] + reach * size + view * 0, start[1] + reach * view * size
    fine = sample(ground.heights, rows * 7.3, across * 7.3)
    height = sample(ground.heights, rows, across) + fine * ground.detail
    share = (reach - ground.near) / (ground.far - ground.near)
    # The nearest ground starts out of sight, or the first crest would stand there as a cut wall.
    ramp = smoothstep(0, 0.3, share)
    lifted = height * ground.lift * ramp + share * ground.rise - (1 - ramp) * ground.drop
    screen_row = stage.horizon - (lifted - ground.eye) / reach * stage.focal
    colour = _lit(stage, ground, height, lifted, rows, across, fine, material)
    air = mix(*ground.haze, share)
    colour = mix(colour, _air(stage, columns), air)
    return Cutout(stage, *_project(colour, screen_row.astype(np.float32), stage.height), nearness)


def _lit(
    stage: Stage,
    ground: Ground,
    height: Plane,
    lifted: Plane,
    rows: Plane,
    across: Plane,
    fine: Plane,
    material: Material,
) -> Canvas:
    """Colours of the ground by how it faces the disc."""
    palette = stage.palette
    step = 1.5
    size = ground.heights.shape[0]

    def height_at(down: float, right: float) -> Plane:
        place = rows + down, across + right
        return sample(ground.heights, *place) + sample(ground.heights, place[0] * 7.3, place[1] * 7.3) * ground.detail

    scale = ground.lift * size / step
    slope_z, slope_x = (height_at(step, 0) - height) * scale, (height_at(0, step) - height) * scale
    side = (stage.sun_x / stage.width - 0.5) * 1.6
    low = 0.55
    facing = (low - slope_x * side + slope_z * 0.15) / np.sqrt(1 + slope_x**2 + slope_z**2)
    direct = smoothstep(0.05, 0.95, facing)
    steep = np.clip(np.hypot(slope_x, slope_z) * 0.8, 0, 1)
    light = palette.ambient * 0.62 + palette.direct * 0.75 * direct
    return material(height, steep, fine) * light


def _air(stage: Stage, columns: int) -> Canvas:
    """The colour far ground fades into: brighter under the disc."""
    x = np.arange(columns, dtype=np.float32) - (columns - stage.width) / 2
    near = np.exp(-np.abs(x - stage.sun_x) / stage.focal / 0.3)[None, :] * stage.palette.halo * 0.5
    return mix(stage.palette.haze, stage.palette.glow, np.minimum(near, 0.6))


def _project(colour: Canvas, screen_row: Plane, height: int) -> tuple[Canvas, Plane]:
    """(picture, opacity) of a surface given by the screen rows of its points, nearest first."""
    steps, columns = screen_row.shape
    visible = np.minimum.accumulate(screen_row, axis=0)
    wanted = np.arange(height, dtype=np.float32)
    first = np.stack([np.searchsorted(-visible[:, c], -wanted) for c in range(columns)], axis=1)
    last = np.clip(first, 1, steps - 1)
    column = np.arange(columns)
    upper, lower = visible[last, column], visible[last - 1, column]
    share = np.clip((wanted[:, None] - lower) / np.minimum(upper - lower, -1e-3), 0, 1)
    before, after = colour[:, last - 1, column], colour[:, last, column]
    top = visible[-1]
    opacity = np.clip(wanted[:, None] - top + 0.5, 0, 1)
    return mix(before, after, share).astype(np.float32), opacity.astype(np.float32)


def headland(stage: Stage) -> Cutout:
    """A spur of rock that runs out into the sea from one side, faded by the air; stands on the horizon."""
    rng = stage.rng("headland")
    columns = stage.width + 2 * margin(stage, 0)
    x = np.arange(columns, dtype=np.float32) / columns
    if stage.sun_x > stage.width / 2:
        x = 1 - x
    x = 1 - x
    reach, tall = rng.uniform(0.22, 0.45), rng.uniform(4, 9) * stage.unit
    ridge = smoothstep(1 - reach, 1.1, x) ** 0.7 * (1 + 0.16 * line(rng, columns, 1.3, 3)) * tall
    rows = np.arange(stage.height, dtype=np.float32)[:, None]
    top = stage.horizon - ridge[None, :]
    opacity = np.clip(rows - top + 0.5, 0, 1) * np.clip(ridge, 0, 1) * (rows < stage.horizon)
    rock = fractal(rng, stage.height, columns, 1.3, stretch=0.5)
    light = stage.palette.ambient * 0.55 + stage.palette.direct * 0.12 * smoothstep(-0.5, 1.5, rock)
    foot = smoothstep(stage.unit * 4, 0, stage.horizon - rows) * 0.3
    colour = mix(0.42 * light, _air(stage, columns), np.clip(rng.uniform(0.25, 0.5) + foot, 0, 1))
    return Cutout(stage, colour.astype(np.float32), opacity.astype(np.float32), 0)


class CloudShadows:
    """Patches of shade that drift over the ground below the horizon."""

    def __init__(self, stage: Stage, strength: float) -> None:
        rng = stage.rng("cloud shadows")
        rows = stage.height - stage.horizon
        depth = np.arange(rows, dtype=np.float32)[:, None]
        distance = stage.focal / (depth + stage.unit * 4)
        turn = np.linspace(0, 2 * np.pi, stage.width * 3, endpoint=False, dtype=np.float32)[None, :]
        texture = fractal(rng, 256, 256, 2.2, low=2)
        field = sample(texture, distance * 9 + 60 * np.cos(turn), 60 * np.sin(turn))
        # Hills stand before the horizon: a shade that began at once would cut them off at their feet.
        shade = 1 - strength * smoothstep(-0.2, 1.0, field) * smoothstep(0, rows * 0.4, depth)
        self._light = wrapped(shade.astype(np.float32), stage.width)
        self._top, self._width, self._speed = stage.horizon, stage.width, stage.unit * 2.2 * rng.choice([-1, 1])

    def paint(self, canvas: Canvas, seconds: float) -> None:
        canvas[:, self._top :] *= slide(self._light, seconds * self._speed, self._width)


class Mist:
    """A bank of mist that drifts: noise between two rows, densest at `centre`."""

    def __init__(
        self, stage: Stage, name: str, centre: float, thickness: float, strength: float, speed: float = 0.8
    ) -> None:
        rng = stage.rng(f"mist/{name}")
        top = max(0, int(centre - thickness * 2.2))
        end = max(top, min(stage.height, int(centre + thickness * 2.2)))
        rows = np.arange(top, end, dtype=np.float32)[:, None]
        shape = np.exp(-(((rows - centre) / thickness) ** 2))
        noise = fractal(rng, max(end - top, 8), stage.width * 2, 1.7, stretch=3)[: end - top]
        density = shape * smoothstep(-1.1, 1.6, noise) * strength
        self._density = wrapped(density.astype(np.float32), stage.width)
        self._rows = slice(top, end)
        self._colour = _air(stage, stage.width)
        self._width, self._speed = stage.width, speed * stage.unit * rng.choice([-1, 1])

    def paint(self, canvas: Canvas, seconds: float) -> None:
        density = slide(self._density, seconds * self._speed, self._width)
        below = canvas[:, self._rows]
        veil = self._colour - below
        veil *= density
        below += veil
