"""Open water in perspective: waves sampled from their spectrum, the sky they reflect, and the glitter of the disc.

Each row of the picture below the horizon looks at one distance. `Patch` evaluates a periodic field of waves at
exactly these distances, blurred by what a pixel covers there, so far water neither flickers nor repeats.
"""

from dataclasses import dataclass

import numpy as np

from renderer.scenery.light import Colour
from renderer.scenery.noise import Canvas, Numbers, Plane, f32, mix
from renderer.scenery.stage import Stage

GRAVITY = 9.81


@dataclass(frozen=True)
class Sea:
    """The movement of water. Lengths are metres, slopes are root mean squares."""

    eye: float = 3.0
    "Height of the camera over the water."
    swell: float = 60.0
    "Side of the patch of long waves; the longest is about a third of it."
    swell_slope: float = 0.075
    chop_slope: float = 0.10
    heading: float = 0.0
    "Direction of the waves, in radians: 0 is towards the camera, positive turns to the right."
    rough: bool = True
    "Rough water mirrors no fine detail; calm water does."
    clarity: float = 1.0
    "Share of the water's own colour where one looks down into it."


def distances(stage: Stage, eye: float) -> Numbers:
    """Distance in metres of the water that each row below the horizon shows."""
    rows = np.arange(stage.height - stage.horizon, dtype=np.float32)
    return eye * stage.focal / (rows + 0.5)


class Patch:
    """A square of waves that repeats for ever, seen in perspective.

    The slopes across (real part) and along (imaginary part) the view are one complex field, so that one
    transform gives both.
    """

    def __init__(
        self,
        stage: Stage,
        name: str,
        distance: Numbers,
        eye: float,
        side: float,
        modes: int,
        slope: float,
        heading: float,
    ) -> None:
        rng = stage.rng(f"waves/{name}")
        self._points = modes * 4
        k = (np.fft.fftfreq(modes) * modes * 2 * np.pi / side).astype(np.float32)
        kx, kz = k[None, :], k[:, None]
        self._cos, self._sin, self._omega = _wave_spectrum(rng, kx, kz, side, slope, heading)
        along = distance**2 / (eye * stage.focal) * 0.6
        across = distance / stage.focal * 0.75
        rows = np.exp(1j * np.outer(distance, k)) * np.exp(-0.5 * np.outer(along, k) ** 2)
        self._rows = _batched(rows.astype(np.complex64))
        self._count = len(distance)
        self._soften = np.exp(-0.5 * np.outer(across, k) ** 2).astype(np.float32)
        energy = np.abs(self._cos) ** 2 + np.abs(self._sin) ** 2
        kept = np.einsum("rz,zx,rx->r", np.abs(rows) ** 2, energy, self._soften**2) / energy.sum()
        self.lost = slope * np.sqrt(np.clip(1 - kept, 0, 1)).astype(np.float32)
        "Per row, the slope of waves too small to be seen there."
        place = np.outer(distance, (np.arange(stage.width) - stage.width / 2) / stage.focal) / side * self._points
        whole = np.floor(place).astype(np.int32)
        self._share = (place - whole).astype(np.float32)
        base = np.arange(len(distance), dtype=np.int32)[:, None] * self._points
        self._left = base + whole % self._points
        self._right = base + (whole + 1) % self._points

    def lines(self, seconds: float) -> Numbers:
        """The slopes along each row, over one period of the patch, all rows one after the other."""
        angle = self._omega * np.float32(seconds)
        spectrum = self._cos * np.cos(angle) + self._sin * np.sin(angle)
        rows = (self._rows @ spectrum).reshape(-1, len(spectrum))[: self._count]
        rows *= self._soften
        half = rows.shape[1] // 2
        padded = np.zeros((rows.shape[0], self._points), np.complex64)
        padded[:, :half] = rows[:, :half]
        padded[:, -half:] = rows[:, -half:]
        return np.fft.ifft(padded, axis=1, norm="forward").ravel()

    def slopes(self, lines: Numbers, rows: slice) -> Numbers:
        """(rows, columns) of the picture, counted from the horizon."""
        left = lines.take(self._left[rows])
        slope = lines.take(self._right[rows])
        slope -= left
        slope *= self._share[rows]
        slope += left
        return slope


def _batched(rows: Numbers, size: int = 4) -> Numbers:
    """Rows in small groups: BLAS multiplies those on one thread, a large matrix would wake threads that mostly wait."""
    padded = np.zeros((-(-len(rows) // size) * size, rows.shape[1]), rows.dtype)
    padded[: len(rows)] = rows
    return padded.reshape(-1, size, rows.shape[1])


def _wave_spectrum(
    rng: np.random.Generator, kx: Numbers, kz: Numbers, side: float, slope: float, heading: float
) -> tuple[Numbers, Numbers, Numbers]:
    """(cosine part, sine part, angular speed) of each wave of a patch, as slopes in complex form."""
    k = np.hypot(kx, kz)
    k[0, 0] = 1
    longest = side / 3
    towards = (kz * np.cos(heading) + kx * np.sin(heading)) / k
    spread = np.where(towards > 0, towards**4, 0) + 0.06
    power = np.exp(-((2 * np.pi / longest / k) ** 2)) / k**4 * spread * np.exp(-((k / k.max() * 1.25) ** 4))
    power[0, 0] = 0
    height = (rng.standard_normal(k.shape) + 1j * rng.standard_normal(k.shape)) * np.sqrt(power)
    mirrored = np.conj(np.roll(height[::-1, ::-1], 1, axis=(0, 1)))
    tilt = 1j * kx - kz
    cos, sin = tilt * (height + mirrored), 1j * tilt * (height - mirrored)
    rms = np.sqrt((np.abs(cos) ** 2 + np.abs(sin) ** 2).sum() / 2)
    omega = np.sqrt(GRAVITY * k)
    return (cos * slope / rms).astype(np.complex64), (sin * slope / rms).astype(np.complex64), omega.astype(np.float32)


_BAND = 32
"Rows that are worked on together."
_COARSE = 4
"Columns of the picture per column of the copy that rough water mirrors."


class Water:
    """Everything below the horizon as moving water that mirrors what has been painted above it."""

    def __init__(self, stage: Stage, sea: Sea, glitter: float = 1.0, until: int | None = None) -> None:
        self._stage, self._sea = stage, sea
        self._rows = slice(stage.horizon, until or stage.height)
        distance = distances(stage, sea.eye)[: self._rows.stop - self._rows.start]
        below = sea.eye / distance
        self._patches = [
            Patch(stage, "swell", distance, sea.eye, sea.swell, 64, sea.swell_slope, sea.heading),
            Patch(stage, "chop", distance, sea.eye, sea.swell / 7.3, 96, sea.chop_slope, sea.heading + 0.35),
        ]
        lost = np.sqrt(sum(patch.lost**2 for patch in self._patches))[:, None]
        self._below = below[:, None].astype(np.float32)
        self._lift = (self._below + 0.9 * lost).astype(np.float32)
        self._deep, self._scatter = _body(stage, below, sea.clarity)
        self._glint = _Glint(stage, self._below, lost, glitter)
        fade = np.exp(-below * stage.focal / (stage.unit * 0.5))[:, None] * 0.75
        self._air = fade.astype(np.float32)
        self._haze = mix(stage.palette.horizon, stage.palette.haze, 0.6)
        self._columns = np.arange(stage.width, dtype=np.float32)
        self._sway = (self._below * 2 * stage.focal).astype(np.float32)

    def paint(self, canvas: Canvas, seconds: float) -> None:
        lines = [patch.lines(seconds) for patch in self._patches]
        above = self._above(canvas)
        water = canvas[:, self._rows]
        # Band by band, so that what one step leaves is still in the cache for the next.
        for top in range(0, water.shape[1], _BAND):
            rows = slice(top, min(top + _BAND, water.shape[1]))
            water[:, rows] = self._band(above, lines, rows)

    def _band(self, above: Canvas, lines: list[Numbers], rows: slice) -> Canvas:
        slopes, chop = (patch.slopes(line, rows) for patch, line in zip(self._patches, lines, strict=True))
        slopes += chop
        across, along = slopes.real.copy(), slopes.imag.copy()
        water = self._mirrored(above, across, along, rows)
        self._add_body(water, along, rows)
        self._glint.add(water, across, along, rows)
        water += (self._haze - water) * self._air[rows]
        return water

    def _above(self, canvas: Canvas) -> Canvas:
        """The picture to mirror: for rough water a smaller, blurred copy."""
        horizon = self._stage.horizon
        if not self._sea.rough:
            return canvas[:, :horizon]
        return _box_blur(_box_blur(canvas[:, horizon % 2 : horizon : 2, ::_COARSE], 2, axis=1), 6, axis=2)

    def _mirrored(self, above: Canvas, across: Plane, along: Plane, rows: slice) -> Canvas:
        """The mirror image in each facet; steep ones look above the picture, so elevations are bent to stay in."""
        _, height, width = above.shape
        elevation = along * np.float32(2)
        elevation += self._lift[rows]
        # A facet that leans away is mostly hidden by the next; what shows of it mirrors the low sky.
        np.maximum(elevation, elevation * np.float32(-0.3), out=elevation)
        elevation /= elevation * np.float32(0.7) + np.float32(self._stage.horizon / self._stage.focal)
        elevation *= np.float32(-height)
        elevation += np.float32(height)
        place = np.clip(elevation, 0, height - 1, out=elevation).astype(np.int32)
        place *= np.int32(width)
        column = across * self._sway[rows]
        column += self._columns
        column *= np.float32(1 / _COARSE if self._sea.rough else 1)
        place += np.clip(column, 0, width - 1, out=column).astype(np.int32)
        return np.stack([plane.ravel().take(place) for plane in above])

    def _add_body(self, water: Canvas, along: Plane, rows: slice) -> None:
        """Mixes in the colour from under the surface, by Fresnel's law in Schlick's form."""
        away = np.float32(1) - np.clip(along + self._below[rows], 0.02, 1)
        mirror = away * away
        mirror *= mirror
        mirror *= away
        mirror *= np.float32(0.9)
        mirror += np.float32(0.1)
        body = self._scatter * np.clip(along, 0, 0.5)
        body += self._deep[:, rows]
        water -= body
        water *= mirror
        water += body


def _body(stage: Stage, below: Numbers, clarity: float) -> tuple[Numbers, Colour]:
    """(water's own colour per row, light that shines through the slopes that face the camera)."""
    palette = stage.palette
    depth = np.clip(below / 0.35, 0, 1)[:, None]
    deep = mix(palette.deep * 1.15, palette.deep * (0.8 + 0.25 * clarity), depth).astype(np.float32)
    through = mix(palette.deep * 2.2, palette.glow, 0.25) * 0.9
    return deep, through.astype(np.float32)


def _box_blur(picture: Canvas, reach: int, axis: int) -> Canvas:
    """The mean over `reach` neighbours each way along an axis, fewer at the edges."""
    length = picture.shape[axis]
    places = np.arange(length)
    first, last = np.maximum(places - reach, 0), np.minimum(places + reach, length - 1)
    total = np.cumsum(picture, axis=axis, dtype=np.float32)
    total = np.insert(total, 0, 0, axis=axis)
    shape = [1, 1, 1]
    shape[axis] = length
    count = (last - first + 1).astype(np.float32).reshape(shape)
    return f32((total.take(last + 1, axis=axis) - total.take(first, axis=axis)) / count)


class _Glint:
    """The disc seen in every facet that happens to face it: a path of sparkles.

    A facet mirrors the disc if its slopes are those of the half vector; waves too small for the pixel widen
    the range that does.
    """

    def __init__(self, stage: Stage, below: Numbers, lost: Numbers, strength: float) -> None:
        height = max((stage.horizon - stage.sun_y) / stage.focal, 0.01)
        azimuth = (np.arange(stage.width, dtype=np.float32) - stage.sun_x) / stage.focal
        total = below + height
        self._across = (azimuth / total).astype(np.float32)
        self._along = ((height - below) / 2 - azimuth**2 / (2 * total)).astype(np.float32)
        sharp = 0.03
        spread = np.hypot(sharp, lost)
        self._narrow = (-0.5 / spread**2).astype(np.float32)
        self._gain = (strength * 1.5 * (sharp / spread) ** 1.1).astype(np.float32)
        self._glow = mix(stage.palette.glow, stage.palette.sun, 0.35).astype(np.float32)

    def add(self, water: Canvas, across: Plane, along: Plane, rows: slice) -> None:
        across -= self._across[rows]
        along -= self._along[rows]
        across *= across
        along *= along
        across += along
        across *= self._narrow[rows]
        light = np.exp(across, out=across)
        light *= self._gain[rows]
        np.minimum(light, 1, out=light)
        shine = light * self._glow
        np.subtract(1, shine, out=shine)
        np.subtract(1, water, out=water)
        water *= shine
        np.subtract(1, water, out=water)
