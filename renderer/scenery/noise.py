"""Random textures that tile without a seam, and the small image arithmetic every layer needs."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[Any]
"Any array of numbers."
Plane = NDArray[np.float32]
"One number per pixel, (height, width)."
Canvas = NDArray[np.float32]
"A picture, (3, height, width), display RGB from 0 to 1: planes apart, because then every operation runs along memory."


def f32(values: Any) -> NDArray[np.float32]:
    """The numbers in single precision: twice as many in the cache, and finer than any screen."""
    return np.asarray(values, np.float32)


def fractal(
    rng: np.random.Generator, height: int, width: int, roughness: float = 1.6, stretch: float = 1.0, low: float = 1.0
) -> Plane:
    """Tileable cloud-like noise of mean 0 and deviation 1.

    White noise shaped in the frequency domain to fall with frequency ** -roughness, so it wraps at every edge.
    `stretch` > 1 draws it out sideways; nothing is coarser than 1/`low` of the height.
    """
    fy = np.fft.fftfreq(height)[:, None] * height
    fx = np.fft.rfftfreq(width)[None, :] * height * stretch
    distance = np.hypot(fx, fy)
    spectrum = np.fft.rfft2(rng.standard_normal((height, width)).astype(np.float32))
    spectrum *= np.maximum(distance, low) ** -roughness
    spectrum[0, 0] = 0
    field = np.fft.irfft2(spectrum, s=(height, width)).astype(np.float32)
    return f32(field / (field.std() + 1e-9))


def line(rng: np.random.Generator, length: int, roughness: float = 1.2, low: float = 1.0) -> Plane:
    """Tileable noise along one axis, mean 0 and deviation 1."""
    frequency = np.arange(length // 2 + 1)
    spectrum = np.fft.rfft(rng.standard_normal(length)) * np.maximum(frequency, low) ** -roughness
    spectrum[0] = 0
    values = np.fft.irfft(spectrum, n=length).astype(np.float32)
    return f32(values / (values.std() + 1e-9))


def blur(plane: Numbers, sigma_y: float, sigma_x: float | None = None) -> Numbers:
    """A Gaussian blur (deviations in pixels) that wraps at the edges; works on planes and on pictures."""
    sigma_x = sigma_y if sigma_x is None else sigma_x
    height, width = plane.shape[-2:]
    gain_y = np.exp(-2 * (np.pi * sigma_y * np.fft.fftfreq(height)) ** 2)
    gain_x = np.exp(-2 * (np.pi * sigma_x * np.fft.rfftfreq(width)) ** 2)
    return np.fft.irfft2(np.fft.rfft2(plane) * np.outer(gain_y, gain_x), s=(height, width)).astype(np.float32)


def sample(texture: Plane, rows: Numbers, columns: Numbers) -> Plane:
    """The tileable `texture` at fractional places (broadcast together), linearly between its points."""
    height, width = texture.shape
    top, left = np.floor(rows).astype(np.int32), np.floor(columns).astype(np.int32)
    dy, dx = (rows - top).astype(np.float32), (columns - left).astype(np.float32)
    top, below = top % height * width, (top + 1) % height * width
    left, right = left % width, (left + 1) % width
    flat = texture.ravel()
    upper = flat.take(top + left) * (1 - dx) + flat.take(top + right) * dx
    lower = flat.take(below + left) * (1 - dx) + flat.take(below + right) * dx
    return f32(upper + (lower - upper) * dy)


def smoothstep(low: float | Numbers, high: float | Numbers, value: Numbers) -> Plane:
    """0 below `low`, 1 above `high`, and a soft step between; falls if `low` is the greater."""
    x = np.clip((value - low) / (high - low), 0, 1)
    return f32(x * x * (3 - 2 * x))


def mix(a: float | Numbers, b: float | Numbers, share: float | Numbers) -> Plane:
    """`a` where share is 0, `b` where it is 1."""
    return f32(a + (b - a) * share)


def screen(picture: Numbers, light: Numbers) -> Plane:
    """Adds light (0 to 1) the way film does: brighter, but never beyond white."""
    return f32(picture + light - picture * light)


def crop(picture: Numbers, offset: float, width: int) -> Numbers:
    """`width` columns of a wider picture from a fractional column, so that slow moves do not step."""
    whole = int(offset)
    left = picture[..., whole : whole + width]
    result = picture[..., whole + 1 : whole + 1 + width] - left
    result *= np.float32(offset - whole)
    result += left
    return result


def slide(panorama: Numbers, offset: float, width: int) -> Numbers:
    """A crop of a tileable panorama that goes round; it must hold its beginning again at its end (see `wrapped`)."""
    return crop(panorama, offset % (panorama.shape[-1] - width - 1), width)


def wrapped(panorama: Numbers, width: int) -> Numbers:
    """The panorama with its beginning repeated at its end, as `slide` needs it."""
    return np.concatenate([panorama, panorama[..., : width + 1]], axis=-1)
