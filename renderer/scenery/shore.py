"""A beach: waves roll in, break, wash up the sand and back, and leave lace of foam and wet, shining sand.

Lengths are metres on the flat ground: `off` is the distance of a place from the still waterline, positive out at
sea; `along` runs along it. Everything that changes is worked out along the shore, as a few hundred numbers, and
only then looked up for the pixels.
"""

from dataclasses import dataclass

import numpy as np

from renderer.scenery.noise import Canvas, Numbers, Plane, blur, f32, fractal, line, mix, sample, smoothstep
from renderer.scenery.sky import sky_picture
from renderer.scenery.stage import Stage
from renderer.scenery.water import distances

_ALONG = 4096
"Places along the shore that are told apart."
_METRES = 48.0
"Length of shore after which they repeat."
_WAVES = 64
"Waves after which their shapes repeat."
_LACE = 512


@dataclass(frozen=True)
class Coast:
    """The lie of a beach and the size of its surf."""

    eye: float
    "Height of the camera."
    distance: float
    "From the camera to the still waterline, straight ahead."
    turn: float
    "Slope of the waterline: metres away from the camera per metre to the right."
    surf: float
    "Height of a breaking wave."
    period: float
    "Seconds between waves."


class Surf:
    """When each wave arrives and how it is shaped; shared by the layers of one beach."""

    speed = 2.5
    reach = 30.0

    def __init__(self, stage: Stage, coast: Coast) -> None:
        rng = stage.rng("surf")
        self.coast = coast
        self._late = (rng.uniform(0, 1) + rng.uniform(-0.14, 0.14, _WAVES)) * coast.period
        self.size = rng.uniform(0.72, 1.1, _WAVES)
        self.shape = np.stack([line(rng, _ALONG, 1.5, 2) for _ in range(_WAVES)])
        self.fine = np.stack([line(rng, _ALONG, 1.3, 14) for _ in range(_WAVES)])

    def arrival(self, number: int) -> float:
        return number * self.coast.period + float(self._late[number % _WAVES])

    def rolling(self, seconds: float) -> list[tuple[int, float, float]]:
        """(wave, metres to the waterline, share of its height left) from the open sea to the sand, farthest first."""
        first = int(seconds // self.coast.period) - 2
        found = []
        for number in range(first + 9, first - 1, -1):
            left = (self.arrival(number) - seconds) * self.speed
            if 0 < left < self.reach:
                found.append((number, left, 1.0))
            elif left <= 0 and (share := self._share(-left / self.speed)) < 0.5:
                climbed = self.size[number % _WAVES] * self.coast.distance * 0.3 * 4 * share * (1 - share)
                found.append((number, -climbed, 1 - 2 * share))
        return found

    def _share(self, age: float) -> float:
        """Share of its run up and back that a wave has done `age` seconds after it arrived: up faster than back."""
        return float(min(age / (self.coast.period * 1.55), 1.0) ** 0.72)

    def run_up(self, seconds: float) -> tuple[Numbers, Numbers]:
        """(how far up the sand the water stands, how far up it is wet) along the shore."""
        edge = np.full(_ALONG, -0.25, np.float32)
        wet = np.full(_ALONG, self.coast.distance * 0.2, np.float32)
        length = self.coast.period * 1.55
        last = int(seconds // self.coast.period) + 1
        for number in range(last - 5, last + 1):
            age = seconds - self.arrival(number)
            if age <= 0:
                continue
            k = number % _WAVES
            reach = self.size[k] * self.coast.distance * (0.3 + 0.06 * self.shape[k])
            share = self._share(age)
            rough = reach + 0.08 * self.fine[k]
            edge = np.maximum(edge, rough * np.float32(4 * share * (1 - share)) - 0.25)
            peak = min(share, 0.5)
            dried = max(0.0, age - length * 0.38) * 0.035
            wet = np.maximum(wet, reach * np.float32(4 * peak * (1 - peak)) - np.float32(0.2 + dried))
        return edge.astype(np.float32), wet.astype(np.float32)


class Breakers:
    """The waves that rise and fall over on their way in."""

    def __init__(self, stage: Stage, surf: Surf) -> None:
        self._stage, self._surf = stage, surf
        rng = stage.rng("breakers")
        self._azimuth = (np.arange(stage.width, dtype=np.float32) - stage.width / 2) / np.float32(stage.focal)
        self._noise = fractal(rng, 256, 1024, 1.2)
        palette = stage.palette
        self._dark = mix(palette.deep, palette.middle, 0.22)
        self._through = mix(palette.deep * 2.0 + 0.06, palette.glow, 0.42)
        self._foam = foam_colour(stage)

    def paint(self, canvas: Canvas, seconds: float) -> None:
        for number, left, whole in self._surf.rolling(seconds):
            self._roll(canvas, seconds, number % _WAVES, left, whole)

    def _roll(self, canvas: Canvas, seconds: float, k: int, left: float, whole: float) -> None:
        coast, surf, stage = self._surf.coast, self._surf, self._stage
        distance = (coast.distance + left) / (1 - coast.turn * self._azimuth)
        along = _place_along(distance * self._azimuth)
        bent = surf.shape[k].take(along)
        distance = distance - bent * 0.5
        broken = smoothstep(17.0, 8.0, left + 2.2 * bent + 0.4 * surf.fine[k].take(along))
        rise = whole * _step(surf.reach, 14.0, left) * (0.3 + 0.7 * _step(-1.0, 9.0, left))
        metres = coast.surf * surf.size[k] * rise * (0.72 + 0.28 * np.tanh(bent + 0.4))
        foot = stage.horizon + coast.eye * stage.focal / distance
        tall = np.maximum(stage.focal * metres / distance, 0.5)
        top, end = int(max(stage.horizon, (foot - tall * 1.5).min())), int(min(stage.height, foot.max() + 2))
        if end <= top:
            return
        rows = np.arange(top, end, dtype=np.float32)[:, None]
        up = (foot - rows) / tall
        ragged = self._ragged(up, along, seconds)
        crest = 1 + broken * 0.22 * ragged
        inside = smoothstep(0.0, 0.3, up) * smoothstep(crest + 1.2 / tall, crest - 0.6 / tall, up)
        white = smoothstep(0.0, 0.45, up - (1.05 - 1.25 * broken) + 0.22 * ragged)
        face = mix(self._dark, self._through, np.clip(up, 0, 1) ** 2.2 * (0.75 + 0.2 * ragged))
        shade = 0.70 + 0.24 * np.clip(up, 0, 1.2) + 0.10 * ragged
        face = mix(face, self._foam * shade, white)
        window = canvas[:, top:end]
        window += (face - window) * inside

    def _ragged(self, up: Plane, along: Numbers, seconds: float) -> Plane:
        """Noise that tumbles down the face of the wave."""
        row = (np.clip(up, -1, 2) * 20 + seconds * 26).astype(np.int32) & 255
        return self._noise.ravel().take(row * 1024 + ((along >> 1) & 1023))


class Sand:
    """The beach, the water that washes over it and the foam on both."""

    def __init__(self, stage: Stage, surf: Surf) -> None:
        self._surf = surf
        coast = surf.coast
        distance = distances(stage, coast.eye)[:, None]
        azimuth = (np.arange(stage.width, dtype=np.float32)[None, :] - stage.width / 2) / np.float32(stage.focal)
        across = distance * azimuth
        off = distance - coast.distance - coast.turn * across
        first = int(np.argmax(off.min(axis=1) < 13.0))
        self._rows = slice(stage.horizon + first, stage.height)
        self._off, across, distance = off[first:].astype(np.float32), across[first:], distance[first:]
        flooded = (self._off > -coast.distance * 0.62).any(axis=1)
        self.dry_from = self._rows.start + int(np.flatnonzero(flooded)[-1]) + 1
        "The first row that no wave reaches."
        self._along = _place_along(across)
        self._dry, self._wet = _sand(stage, distance, across, self._rows)
        self._wet -= self._dry
        rng = stage.rng("foam")
        self._lace = _lace(rng)
        self._column = (across * 105).astype(np.int32)
        patches = sample(fractal(rng, 256, 256, 1.6), self._off * 9, across * 6)
        self._patches = (0.12 * patches).astype(np.float32)
        self._spent = np.exp(self._off * -0.33).astype(np.float32)
        self._foam = foam_colour(stage)
        # Lace finer than a pixel would flicker; it fades with distance.
        self._near = np.clip(9.0 / distance, 0, 1).astype(np.float32) ** 0.6
        self._film, self._fresh, self._rim, self._damp = _profiles()

    def paint(self, canvas: Canvas, seconds: float) -> None:
        edge, wet = self._surf.run_up(seconds)
        under = self._off + edge.take(self._along)
        place = _profile_place(under)
        ground = self._wet * self._damp.take(_profile_place(self._off + wet.take(self._along)))
        ground += self._dry
        window = canvas[:, self._rows]
        ground -= window
        ground *= self._film.take(place)
        window += ground
        foam = self._foam_at(under, place, seconds)
        for channel, colour in zip(window, self._foam.ravel(), strict=True):
            channel += (colour - channel) * foam

    def _foam_at(self, under: Plane, place: Numbers, seconds: float) -> Plane:
        """Foam at each place: a bright rim, lace behind it, and the remains of broken waves on the water."""
        row = (under * np.float32(48) + np.float32(4096)).astype(np.int32) & (_LACE - 1)
        row *= _LACE
        row += (self._column + np.int32(seconds * 2)) & (_LACE - 1)
        amount = self._fresh.take(place)
        amount += self._patches
        for number, far, _ in self._surf.rolling(seconds):
            if far < 11.0:
                front = np.float32(far) - 0.5 * self._surf.shape[number % _WAVES]
                behind = self._off > front.take(self._along)
                amount += self._spent * np.float32(0.42 * np.exp(0.33 * far)) * behind
        cover = np.clip(amount * np.float32(1.1) + np.float32(0.25), 0, 0.92)
        cover *= self._near
        amount *= np.float32(0.95)
        amount -= self._lace.take(row)
        cover *= smoothstep(-0.16, 0.14, amount)
        cover *= under > 0
        return f32(np.maximum(cover, self._rim.take(place), out=cover))


_FINENESS, _DEEPEST = 300.0, 4.0


def _profile_place(under: Plane) -> Numbers:
    """Index into the profiles of a place that lies `under` metres seawards of the edge of the water."""
    scaled = under * np.float32(_FINENESS)
    scaled += np.float32(_FINENESS * 0.5)
    return np.clip(scaled, 0, (_DEEPEST + 0.5) * _FINENESS - 1, out=scaled).astype(np.int32)


def _profiles() -> tuple[Plane, Plane, Plane, Plane]:
    """By place: how much ground shows through, fresh foam, the rim of foam, and how damp the ground is."""
    under = np.arange(int((_DEEPEST + 0.5) * _FINENESS), dtype=np.float32) / np.float32(_FINENESS) - np.float32(0.5)
    film = 1 - 0.55 * smoothstep(-0.02, 0.35, under) - 0.45 * smoothstep(0.3, 3.0, under)
    fresh = np.exp(np.maximum(under, 0) * (-1 / 0.75))
    rim = 0.95 * np.exp(-(((under - 0.05) / 0.09) ** 2)) * smoothstep(-0.04, 0.02, under)
    return film.astype(np.float32), fresh.astype(np.float32), rim.astype(np.float32), smoothstep(-0.35, 0.05, under)


def foam_colour(stage: Stage) -> Numbers:
    palette = stage.palette
    lit = mix(palette.direct, palette.sun, 0.45)
    return np.clip(palette.ambient * 0.3 + lit * 0.78, 0, 1).astype(np.float32)


def _step(low: float, high: float, value: float) -> float:
    """`smoothstep` of one number."""
    x = min(max((value - low) / (high - low), 0.0), 1.0)
    return x * x * (3 - 2 * x)


def _place_along(metres: Numbers) -> Numbers:
    return (np.floor(metres * (_ALONG / _METRES)).astype(np.int32)) & (_ALONG - 1)


def _sand(stage: Stage, distance: Numbers, across: Plane, rows: slice) -> tuple[Canvas, Canvas]:
    """(dry, wet) sand; the wet mirrors the sky."""
    palette, rng = stage.palette, stage.rng("sand")
    texture = fractal(rng, 512, 512, 0.9)
    ripple = fractal(rng, 512, 512, 1.7, stretch=3)
    near = np.clip(7.0 / distance, 0, 1)
    grain = (
        sample(texture, distance * 90, across * 90) * 0.055 * near + sample(ripple, distance * 40, across * 22) * 0.05
    )
    light = palette.ambient * 0.5 + palette.direct * 0.5
    tone = np.array([0.86, 0.75, 0.60], np.float32).reshape(3, 1, 1)
    dry = tone * light * (0.92 + grain)
    mirror = np.clip(2 * stage.horizon - np.arange(rows.start, rows.stop), 0, stage.horizon - 1)
    air = blur(sky_picture(stage, True)[:, : stage.horizon], stage.unit * 1.2, stage.unit * 1.0)[:, mirror]
    mirror_share = np.clip(
        1.15 - 0.8 * (np.arange(rows.start, rows.stop) - rows.start) / (rows.stop - rows.start), 0, 1
    )[:, None]
    wet = mix(tone * light * (0.4 + grain), air, 0.25 + 0.5 * mirror_share)
    return np.clip(dry, 0, 1).astype(np.float32), np.clip(wet, 0, 1).astype(np.float32)


def _lace(rng: np.random.Generator) -> Plane:
    """A tileable net of cells of two sizes, 0 on the threads and 1 in the holes, flattened."""
    net = np.minimum(_cells(rng, 11), 0.10 + _cells(rng, 29) * 1.3)
    net = blur(net + 0.09 * fractal(rng, _LACE, _LACE, 1.3), 1.6, 0.8)
    return np.clip(net, 0, 1).ravel()


def _cells(rng: np.random.Generator, count: int) -> Plane:
    """The distance to the border between scattered cells (Worley noise), scaled to about 0..1."""
    points = rng.uniform(0.05, 0.95, (count, count, 2))
    bend = [fractal(rng, _LACE, _LACE, 2.0, low=3) * 0.12 for _ in range(2)]
    y, x = (np.mgrid[0:_LACE, 0:_LACE] / _LACE * count).astype(np.float32)
    y, x = y + bend[0] * count * 0.2, x + bend[1] * count * 0.2
    row, column = np.floor(y).astype(int), np.floor(x).astype(int)
    nearest = np.full((2, _LACE, _LACE), 9.0, np.float32)
    for dy in (-1, 0, 1):
        for dx in (-1, 0, 1):
            cell = points[(row + dy) % count, (column + dx) % count]
            far = np.hypot(row + dy + cell[..., 0] - y, column + dx + cell[..., 1] - x)
            nearest[1] = np.minimum(nearest[1], np.maximum(nearest[0], far))
            nearest[0] = np.minimum(nearest[0], far)
    return f32(np.clip((nearest[1] - nearest[0]) * 1.5, 0, 1))
