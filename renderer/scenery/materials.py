"""Materials of the ground: its height fields, and its colours in white light by height, steepness and fine noise."""

import numpy as np

from renderer.scenery.light import rgb
from renderer.scenery.noise import Canvas, Plane, f32, fractal, mix, smoothstep


def ridged(rng: np.random.Generator, size: int = 512, low: float = 1.0) -> Plane:
    """A height field of crests and valleys, 0 to 1, that tiles."""
    broad = 1 - np.abs(fractal(rng, size, size, 2.5, low=low * 2)) / 1.7
    sharp = 1 - np.abs(fractal(rng, size, size, 2.1, low=low * 5)) / 1.7
    massif = smoothstep(-1.6, 1.6, fractal(rng, size, size, 3.0, low=low))
    broad, sharp = np.clip(broad, 0, 1), np.clip(sharp, 0, 1)
    height = massif * (0.25 + broad**1.5 * 0.75 + broad * sharp**1.5 * 0.35)
    return f32(height / height.max())


def rolling(rng: np.random.Generator, size: int = 512, low: float = 2.0) -> Plane:
    """A height field of soft hills, 0 to 1, that tiles."""
    height = fractal(rng, size, size, 2.6, low=low)
    return f32((height - height.min()) / np.ptp(height))


def dunes(rng: np.random.Generator, size: int = 512) -> Plane:
    """A height field of sand dunes: long windward slopes, sharp crests that wander, 0 to 1, tiles."""
    bend = fractal(rng, size, size, 2.4, low=1)
    y = np.arange(size, dtype=np.float32)[:, None] / size
    x = np.arange(size, dtype=np.float32)[None, :] / size
    height = np.zeros((size, size), np.float32)
    for count, share, warp in ((3, 1.0, 0.30), (7, 0.32, 0.45)):
        phase = (count * y + rng.choice([-1, 1]) * round(count / 3) * x + bend * warp) % 1
        height += share * np.where(phase < 0.72, phase / 0.72, (1 - phase) / 0.28) ** 1.3
    height *= 0.55 + 0.45 * smoothstep(-1, 1.2, fractal(rng, size, size, 2.4, low=1))
    return f32(height / height.max())


def alpine(height: Plane, steep: Plane, fine: Plane) -> Canvas:
    """Rock, and snow where it is high and not too steep."""
    rock = mix(rgb("5f5d64"), rgb("8a8078"), smoothstep(0.2, 0.9, fine))
    wood = mix(rgb("3c4a3c"), rock, smoothstep(0.12, 0.3, height))
    return mix(wood, rgb("f4f7fb"), smoothstep(0.36, 0.55, height + fine * 0.15 - steep * 0.15))


def grassy(height: Plane, steep: Plane, fine: Plane) -> Canvas:
    """Meadows, yellower on the tops."""
    base = mix(rgb("5a8a34"), rgb("98b84a"), smoothstep(0.2, 0.8, height))
    return mix(base, rgb("c4c060"), smoothstep(0.45, 0.9, fine) * 0.5)


def sandy(height: Plane, steep: Plane, fine: Plane) -> Canvas:
    """Sand."""
    return mix(rgb("c4915c"), rgb("e6bd86"), smoothstep(0, 1, fine))


def snowy(height: Plane, steep: Plane, fine: Plane) -> Canvas:
    """Deep snow."""
    return mix(rgb("e4ebf4"), rgb("ffffff"), smoothstep(0.2, 0.9, fine))
