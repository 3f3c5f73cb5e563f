"""Everything above the horizon: the graded air, the disc, clouds, stars."""

import numpy as np

from common.contracts.footage import Light
from renderer.scenery.light import gradient
from renderer.scenery.noise import (
    Canvas,
    Numbers,
    Plane,
    blur,
    f32,
    fractal,
    mix,
    sample,
    screen,
    slide,
    smoothstep,
    wrapped,
)
from renderer.scenery.stage import Stage


class Sky:
    """The air and the disc; fills the whole canvas, so it is the first layer of any outdoor scene."""

    def __init__(self, stage: Stage, disc: bool = True) -> None:
        self._picture = sky_picture(stage, disc)

    def paint(self, canvas: Canvas, seconds: float) -> None:
        np.copyto(canvas, self._picture)


def sky_picture(stage: Stage, disc: bool) -> Canvas:
    """The sky without clouds. Below the horizon it goes on as haze, which shows where nothing covers it."""
    palette = stage.palette
    rows = np.arange(stage.height, dtype=np.float32)
    elevation = (stage.horizon - rows) / stage.focal
    stops = [
        (-0.25, palette.haze * 0.7),
        (0.0, palette.horizon),
        (0.07, mix(palette.horizon, palette.middle, 0.35)),
        (0.2, mix(palette.middle, palette.horizon, 0.18)),
        (0.36, mix(palette.middle, palette.zenith, 0.45)),
        (0.75, palette.zenith),
    ]
    column = blur(gradient(stops, np.concatenate([elevation, elevation[::-1]]))[..., None], stage.height * 0.02, 0)
    picture = np.repeat(column[:, : stage.height], stage.width, axis=2)
    return picture if not disc else _with_disc(stage, picture)


_RADIUS: dict[Light, float] = {"day": 0.017, "sunset": 0.026, "sunrise": 0.025, "night": 0.021, "overcast": 0.02}
"Of the disc, as a tangent; larger than true, as a long lens would show it."


def _with_disc(stage: Stage, picture: Canvas) -> Canvas:
    palette, focal = stage.palette, stage.focal
    y, x = np.mgrid[0 : stage.height, 0 : stage.width].astype(np.float32)
    dx, dy = (x - stage.sun_x) / focal, (y - stage.sun_y) / focal
    near = np.hypot(dx, dy)
    # Low light travels along the horizon further than up: the halo is wider than high.
    wide = np.hypot(dx * 0.55, dy * 1.25)
    halo = palette.halo * (0.62 * np.exp(-wide / 0.13) + 0.30 * np.exp(-wide / 0.36) + 0.42 * np.exp(-near / 0.035))
    picture = screen(picture, np.minimum(halo, 1) * palette.glow)
    radius = _RADIUS[stage.recipe.light]
    edge = 1.2 / focal
    disc = smoothstep(radius + edge, radius - edge, near)
    if stage.recipe.light == "night":
        return mix(picture, palette.sun * _maria(stage, dx / radius, dy / radius), disc)
    if stage.recipe.light == "overcast":
        disc = disc * 0
    core = np.exp(-((near / (radius * 1.5)) ** 2)) * 0.55 * palette.halo
    return mix(screen(picture, core * palette.sun), palette.sun, disc)


def _maria(stage: Stage, dx: Numbers, dy: Numbers) -> Plane:
    """The brightness of the moon's face: grey seas and a darker rim."""
    seas = fractal(stage.rng("moon"), 128, 128, 2.0)
    face = 0.95 - 0.16 * smoothstep(0.1, 1.0, sample(seas, dy * 24 + 64, dx * 24 + 64))
    return f32(face * (1 - 0.18 * np.clip(dx**2 + dy**2, 0, 1)))


class Clouds:
    """A deck of clouds on a plane above the camera, lit from where the disc stands.

    Two panoramas drift at different speeds and their sum is cut by a threshold, so that clouds not only
    move but form and dissolve. `cover` is the share of sky they take, `softness` the width of their edges.
    """

    def __init__(
        self,
        stage: Stage,
        name: str,
        cover: float = 0.45,
        softness: float = 0.9,
        speed: float = 0.5,
        scale: float = 0.7,
    ) -> None:
        rng = stage.rng(f"clouds/{name}")
        self._rows = stage.horizon
        self._width = stage.width
        self._speed = speed * stage.unit * rng.choice([-1, 1])
        fields = [panorama(stage, rng, scale), panorama(stage, rng, scale * 0.6)]
        total = fields[0] * 0.75 + fields[1] * 0.66
        low = float(np.quantile(total[::7, ::7], 1 - cover))
        self._low, self._range = low - softness * 0.3, softness
        self._fields = [
            wrapped(fields[0] * np.float32(0.75), self._width),
            wrapped(fields[1] * np.float32(0.66), self._width),
        ]
        self._relief = wrapped(_relief(stage, fields[0] * 0.75 + fields[1] * 0.3), self._width)
        self._shade, self._lit, self._veil = _cloud_light(stage)

    def paint(self, canvas: Canvas, seconds: float) -> None:
        drift = self._speed * seconds
        density = slide(self._fields[0], drift, self._width)
        density += slide(self._fields[1], drift * 1.35, self._width)
        density -= np.float32(self._low)
        density *= np.float32(1 / self._range)
        np.clip(density, 0, 1, out=density)
        light = slide(self._relief, drift, self._width)
        light -= density * np.float32(0.5)
        np.clip(light, 0, 1, out=light)
        density *= density * (np.float32(3) - np.float32(2) * density)
        density *= self._veil
        sky = canvas[:, : self._rows]
        colour = self._lit * light
        colour += self._shade
        colour -= sky
        colour *= density
        sky += colour


def panorama(stage: Stage, rng: np.random.Generator, scale: float) -> Plane:
    """A plane of noise overhead, seen all the way round: (rows above the horizon, columns of a full turn)."""
    size = 512
    texture = fractal(rng, size, size, 1.75, low=2)
    turn = int(2 * np.pi * stage.focal)
    elevation = (stage.horizon - np.arange(stage.horizon, dtype=np.float32)) / stage.focal
    distance = 70 / scale / (elevation + 0.09)
    azimuth = np.arange(turn, dtype=np.float32) / np.float32(stage.focal)
    result = np.empty((stage.horizon, turn), np.float32)
    # Far rows cross many points of the texture at once; they read a blurred one, or they would flicker.
    step = distance / (elevation + 0.09) / stage.focal
    level = np.clip(np.round(np.log2(np.maximum(step, 1))), 0, 5).astype(int)
    for wanted in np.unique(level):
        rows = np.flatnonzero(level == wanted)
        soft = blur(texture, 2.0**wanted * 0.5) if wanted else texture
        reach = distance[rows, None]
        result[rows] = sample(soft, reach * np.cos(azimuth), reach * np.sin(azimuth))
    return result


def _relief(stage: Stage, density: Plane) -> Plane:
    """Share of light on each place of a cloud: its density against that of a place towards the disc."""
    reach = max(1, round(stage.unit * 0.9))
    towards = -reach if stage.sun_y < stage.horizon * 0.45 else reach
    rows = np.clip(np.arange(len(density)) + towards, 0, len(density) - 1)
    ahead = density[rows]
    return f32(np.clip(0.62 + 0.75 * (density - ahead), 0, 1.4))


def _cloud_light(stage: Stage) -> tuple[Numbers, Numbers, Numbers]:
    """(shade colour, light to add where a cloud faces the disc, opacity) for the rows above the horizon."""
    palette, rows = stage.palette, stage.horizon
    y, x = np.mgrid[0:rows, 0 : stage.width].astype(np.float32)
    distance = np.hypot((x - stage.sun_x) * 0.7, y - stage.sun_y) / stage.focal
    near = np.exp(-distance / 0.28)
    far = np.clip(1 - (rows - y) / stage.focal / 0.22, 0, 1) ** 1.5
    shade = mix(palette.cloud_shade, palette.haze, far * 0.65)
    shade = mix(shade, palette.cloud_lit, near * 0.35)
    lit = mix(palette.cloud_lit, palette.sun, near * 0.6) * 1.08
    veil = smoothstep(0, 0.05, (rows - np.arange(rows)) / stage.focal)[:, None]
    # The disc shines through what passes before it instead of being cut out.
    opacity = veil * 0.94 * (1 - 0.6 * np.exp(-((distance / 0.045) ** 2)))
    return shade.astype(np.float32), (lit - shade).astype(np.float32), opacity.astype(np.float32)


class Stars:
    """Points of light that twinkle, thinning out towards the horizon."""

    def __init__(self, stage: Stage, strength: float, density: float = 1.0) -> None:
        rng = stage.rng("stars")
        area = stage.width * stage.horizon / (stage.unit * 10) ** 2
        count = max(20, int(area * 11 * density))
        self._x = rng.integers(0, stage.width, count)
        self._y = (stage.horizon * rng.uniform(0, 1, count) ** 1.3 * 0.96).astype(int)
        tint = np.stack([rng.uniform(0.8, 1, count), rng.uniform(0.86, 0.97, count), rng.uniform(0.85, 1, count)])
        bright = np.minimum(rng.pareto(1.6, count) * 0.22 + 0.12, 1.0) * strength
        bright *= np.clip((stage.horizon - self._y) / (0.2 * stage.focal), 0.05, 1)
        self._light = (tint * bright).astype(np.float32)
        self._rate, self._phase = rng.uniform(1.5, 6, count), rng.uniform(0, 2 * np.pi, count)
        big = np.flatnonzero((bright > 0.6) & (self._x < stage.width - 1) & (self._y < stage.height - 1))
        self._halo = [(big, dy, dx) for dy, dx in ((0, 1), (1, 0), (0, -1), (-1, 0))]

    def paint(self, canvas: Canvas, seconds: float) -> None:
        twinkle = 0.68 + 0.32 * np.sin(self._rate * seconds + self._phase)
        light = self._light * twinkle.astype(np.float32)
        canvas[:, self._y, self._x] = screen(canvas[:, self._y, self._x], light)
        for some, dy, dx in self._halo:
            y, x = self._y[some] + dy, self._x[some] + dx
            canvas[:, y, x] = screen(canvas[:, y, x], light[:, some] * 0.4)
