"""The colours of a time of day."""

from dataclasses import dataclass, replace

import numpy as np

from common.contracts.footage import Light
from renderer.scenery.noise import Numbers, Plane

Colour = Plane


def rgb(code: str) -> Colour:
    """`"ff8000"` as three numbers from 0 to 1, shaped (3, 1, 1) to go with planes."""
    return np.array([int(code[i : i + 2], 16) / 255 for i in (0, 2, 4)], np.float32).reshape(3, 1, 1)


@dataclass(frozen=True)
class Palette:
    """Colours that the light of an hour gives to sky, clouds, air, water and land."""

    zenith: Colour
    middle: Colour
    horizon: Colour
    sun: Colour
    "The disc itself: sun, or moon at night."
    glow: Colour
    "Of the air around the disc, and of the glitter on the water."
    cloud_lit: Colour
    cloud_shade: Colour
    haze: Colour
    "Of far things, which fade into it."
    deep: Colour
    "Water looked into rather than along."
    ambient: Colour
    "Multiplies what lies in shade."
    direct: Colour
    "Multiplies what the disc shines on."
    elevation: tuple[float, float]
    "Heights at which the disc may stand, as tangents."
    halo: float
    "Strength of the glow around the disc."
    stars: float


def _palette(colours: str, elevation: tuple[float, float], halo: float, stars: float = 0.0) -> Palette:
    zenith, middle, horizon, sun, glow, lit, shade, haze, deep, ambient, direct = map(rgb, colours.split())
    return Palette(zenith, middle, horizon, sun, glow, lit, shade, haze, deep, ambient, direct, elevation, halo, stars)


# Columns: zenith middle horizon | disc glow | cloud lit, cloud shade | haze deep | ambient direct
PALETTES: dict[Light, tuple[Palette, ...]] = {
    "day": (
        _palette("2766b1 6ba9e0 cfe6f4 fffdf2 fff4d6 ffffff 9fb4c8 bcd6ea 0d4a66 8fa6c0 fff3dc", (0.34, 0.48), 0.5),
        _palette("1d5fa8 5b9bd6 d9ecf2 fffdf0 fff1cc fffefa a9b7c4 c6dbe6 0b5560 93a7b8 ffefd2", (0.36, 0.5), 0.5),
        _palette("3a7cc0 86bde8 e6eff0 fffcf0 ffefcf ffffff b3bfca d2e0e6 14506e 98aabb fff0d8", (0.32, 0.45), 0.6),
    ),
    "sunset": (
        _palette("27386b b5647c ffb765 fff6da ff9b3d ffa066 5d4568 e59a72 10263f 57507a ffb27a", (0.035, 0.1), 1.0),
        _palette("1c2350 96406e ff7f48 fff0cf ff6e2e ff7d55 46305a c96a5a 0f1c36 4a416e ff9a68", (0.03, 0.085), 1.05),
        _palette("4a6ea6 dc9aa2 ffd79a fff9e4 ffb861 ffc08c 7d6787 edb894 1a3a56 6d6b92 ffc795", (0.04, 0.12), 0.9),
        _palette("203a63 c9776a ffc35a fff7d6 ffa92f ffb25c 6a4a5c eaa765 0f2b3c 5b5672 ffbe78", (0.03, 0.1), 1.05),
    ),
    "sunrise": (
        _palette("4f80bd e8b4bd ffe0ab fffbe8 ffc27a ffd3b8 8a86a8 f0cbb8 1d4863 7a83a8 ffd2a4", (0.035, 0.11), 0.9),
        _palette("3a5f9f d597ac ffcf9c fff8e2 ffa873 ffbfa6 75709a e8b6a4 183c5a 6d7099 ffc49c", (0.03, 0.1), 0.95),
        _palette("6f9fcb f4d3c4 fff0c4 fffdf0 ffdc96 ffe9d2 9aa0b8 f6dfca 2a5a70 8a94ad ffe0b6", (0.05, 0.13), 0.85),
    ),
    "night": (
        _palette(
            "060b20 0f2144 2a4a78 f2f6ff 9db8ea 5f7cab 18284a 21395f 04101f 2a3a62 9db4e2", (0.2, 0.36), 0.42, 1.0
        ),
        _palette(
            "080a22 171f4a 3a4680 f6f4ff a9b0ea 6a74ad 1e2450 2b3566 070d20 2d3466 a8aee6", (0.18, 0.34), 0.42, 1.0
        ),
        _palette(
            "041018 0b2a3c 23586a effaff 96cbe0 5b93a3 143240 1d4756 03141a 214254 98c8da", (0.2, 0.36), 0.42, 1.0
        ),
    ),
    "overcast": (
        _palette("6d7a87 98a4ad c8cfd2 eef0ee dfe4e4 d3d8da 76828d b8c1c6 2a414b 8c98a2 c3c9cb", (0.3, 0.45), 0.28),
        _palette("5f6c7b 8c99a6 bfc7ca eef0f0 dce2e4 c5ccd0 65717d a9b4bb 22363f 808d98 b9c1c5", (0.3, 0.45), 0.25),
        _palette("747f83 a3abaa d2d2c8 f4f1e6 e9e4d4 dcdad0 7f8685 c3c4bc 31474a 8f9898 ccc8ba", (0.28, 0.42), 0.32),
    ),
}


def palette_for(light: Light, rng: np.random.Generator) -> Palette:
    """One of the palettes of an hour, its colours moved a little so that no two films are alike."""
    choices = PALETTES[light]
    chosen = choices[rng.integers(len(choices))]
    other = choices[rng.integers(len(choices))]
    share = rng.uniform(0, 0.4)
    names = [name for name, value in vars(chosen).items() if isinstance(value, np.ndarray)]
    blended = {name: getattr(chosen, name) * (1 - share) + getattr(other, name) * share for name in names}
    return replace(chosen, **blended)


def gradient(stops: list[tuple[float, Colour]], at: Numbers) -> Numbers:
    """Colours along `stops` (rising positions) at the places `at`: (3, *at.shape)."""
    places = [place for place, _ in stops]
    planes = [np.interp(at, places, [colour[i, 0, 0] for _, colour in stops]) for i in range(3)]
    return np.stack(planes).astype(np.float32)
