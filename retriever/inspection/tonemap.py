"""Tone mapping of high dynamic range to that of a film, roughly as the renderer does it. Pure numpy.

For measuring small pictures only: the curves are those of BT.2100, the shoulder is ffmpeg's `mobius`.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from retriever.inspection.colours import HLG, PQ

Colours = NDArray[np.floating]

WHITE = 203.0
"cd/m2 of what is white in a film."
PEAK = 10.0
"The brightest there is, in units of that."
KNEE = 0.3
"Darker tones stay as they are."
GAMMA = 2.4
"Of the screen that films are looked at on, by BT.1886."
TO_BT709 = np.array(
    [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]], dtype=np.float32
)
"From the primaries of BT.2020."
WEIGHTS = np.array([0.2126, 0.7152, 0.0722], dtype=np.float32)


def pq_light(signal: Colours) -> Colours:
    """Light of SMPTE 2084 signals (0 to 1), with film white at 1."""
    m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 4096 * 128, 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
    root = signal ** (1 / m2)
    light = (np.maximum(root - c1, 0) / (c2 - c3 * root)) ** (1 / m1)
    return (light * (10_000 / WHITE)).astype(np.float32)


def hlg_light(signal: Colours) -> Colours:
    """Light of ARIB STD-B67 signals (0 to 1) on a screen of 1000 cd/m2, with film white at 1."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    scene = np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - c) / a) + b) / 12)
    return (scene**1.2 * (1000 / WHITE)).astype(np.float32)


LIGHT: dict[int, Callable[[Colours], Colours]] = {PQ: pq_light, HLG: hlg_light}
"By transfer characteristic."


def toned_down(rgb: NDArray[np.uint16], transfer: int) -> NDArray[np.uint8]:
    """Rows of pixels of three 16-bit BT.2020 components, as three planes of 8-bit limited-range BT.709 YCbCr."""
    light = LIGHT[transfer](rgb.astype(np.float32) / 65535) @ TO_BT709.T
    brightest = np.maximum(light.max(axis=-1, keepdims=True), 1e-6)
    light = np.clip(light * (_shoulder(brightest) / brightest), 0, 1)
    signal = light ** (1 / GAMMA)
    luma = signal @ WEIGHTS
    blue, red = (signal[..., 2] - luma) / 1.8556, (signal[..., 0] - luma) / 1.5748
    planes = np.stack((16 + 219 * luma, 128 + 224 * blue, 128 + 224 * red))
    return np.clip(np.rint(planes), 0, 255).astype(np.uint8)


def _shoulder(light: Colours) -> Colours:
    a = -KNEE * KNEE * (PEAK - 1) / (KNEE * KNEE - 2 * KNEE + PEAK)
    b = (KNEE * KNEE - 2 * KNEE * PEAK + PEAK) / (PEAK - 1)
    bent = (b * b + 2 * b * KNEE + KNEE * KNEE) / (b - a) * (light + a) / (light + b)
    return np.where(light <= KNEE, light, bent)
